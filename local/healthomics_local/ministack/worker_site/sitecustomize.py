# ruff: noqa: INP001 - a folder for PYTHONPATH, not a package
"""Gives the Lambda workers the root log handler that AWS Lambda installs before it imports a function.

Without one, ``logger.info(...)`` of a function is lost: MiniStack's workers have no handler at all. The
server itself runs isolated (``python -I``) and never sees this file; only the workers get its folder as
``PYTHONPATH``.
"""

import logging
import sys


def install() -> None:
    """Add the handler once, at the level that AWS Lambda leaves the root logger at (WARNING)."""
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s\t%(name)s\t%(message)s"))
    root.addHandler(handler)


install()
