"""Mutation testing of the handler's pure modules: which changed lines does no unit test notice?

Copies the handler and its unit tests into a temporary folder of the shape that mutmut expects, mutates the modules that
decide (not the ones that talk to AWS), and prints the survivors. ``docs/mutation-testing.md`` judges them.

    make mutants
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PURE = ("request", "spec", "identity", "ledger", "attempts", "tag_text", "retry", "messages", "wanted", "answer")
PACKAGE = "healthomics_run_handler"


def main() -> int:
    """Run mutmut and print each survivor with its change."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        _lay_out(folder)
        mutmut = [str(Path(sys.executable).with_name("mutmut"))]
        subprocess.run([*mutmut, "run"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        results = subprocess.run(
            [*mutmut, "results", "--all", "true"], cwd=folder, capture_output=True, text=True, check=True
        )
        verdicts = [line.split(":") for line in results.stdout.splitlines() if ":" in line]
        survivors = [mutant.strip() for mutant, verdict in verdicts if verdict.strip() == "survived"]
        for mutant in survivors:
            shown = subprocess.run([*mutmut, "show", mutant], cwd=folder, capture_output=True, text=True, check=True)
            print(mutant)
            print(*(f"    {line}" for line in shown.stdout.splitlines() if line[:2] in ("- ", "+ ")), sep="\n")
        print(f"{len(verdicts)} mutants, {len(survivors)} survived")
    return 0


def _lay_out(folder: Path) -> None:
    package = folder / "src" / PACKAGE
    shutil.copytree(ROOT / "lambda" / PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(
        ROOT / "tests" / "unit" / PACKAGE, folder / "tests" / "unit", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "tests" / "handler_fakes.py", folder / "tests")
    left_alone = [f"src/{PACKAGE}/{path.name}" for path in package.glob("*.py") if path.stem not in PURE]
    (folder / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\n"
        'pythonpath = ["tests"]\n'
        'addopts = ["--import-mode=importlib"]\n'
        "[tool.mutmut]\n"
        'paths_to_mutate = ["src/"]\n'
        'tests_dir = ["tests/"]\n'
        f"do_not_mutate = {left_alone!r}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
