"""Entry point for MiniStack's environment: makes this package importable there, and nothing else.

``python -I launch.py ...``: the project is not installed in that environment, and putting its folder on the
path would bring all of the project's dependencies with it. A bare parent package with the right folder is
enough.
"""

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType


def main() -> None:
    """Run the server with the command line's arguments."""
    parent = ModuleType("healthomics_local")
    parent.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules["healthomics_local"] = parent
    import_module("healthomics_local.ministack.server").main(sys.argv[1:])


if __name__ == "__main__":
    main()
