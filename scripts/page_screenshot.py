"""Draw the picture of the endpoint's page in the guide, ``docs/guide/local-page.png``, in a headless Chromium.

.venv/bin/python scripts/page_screenshot.py    # needs what make test installs
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from healthomics_local.endpoint import LocalHealthOmics, RunScript
from healthomics_local.testing import local_healthomics

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "guide" / "local-page.png"
TASKS = ("fastqc", "align", "sort", "call-variants")


def main() -> None:
    """Draw the picture, or say why that cannot be done here."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=Path, default=PICTURE, help="(default: %(default)s)")
    target: Path = parser.parse_args().target.resolve()
    sys.path.insert(0, str(ROOT / "tests"))
    import browser as browsers  # noqa: PLC0415 - on the path only now

    reason = browsers.why_not()
    if reason is not None:
        sys.exit(f"error: {reason}")
    with browsers.browser() as browser, local_healthomics(script=_script, account_id="111122223333", seed=1) as omics:
        _runs(omics)
        browser.open(omics.url, width=960)
        browser.screenshot(target)


def _runs(omics: LocalHealthOmics) -> None:
    """Runs in every status, which are the same each time."""
    workflow = omics.add_workflow(name="germline-short-variants")

    def start(name: str, **script: Any) -> str:
        members = {
            "workflowId": workflow.workflow_id,
            "roleArn": "arn:aws:iam::111122223333:role/run",
            "outputUri": "s3://amzn-s3-demo-bucket/out",
            "name": name,
            "parameters": {"script": script},
        }
        return str(omics.call("StartRun", members)["id"])

    start("NA12878")
    omics.advance(90)
    start("NA12891", tasks=["fastqc", "align"], failure_reason="RUN_TASK_FAILED", stopping_seconds=150)
    omics.advance(60)
    cancelled = start("NA12892")
    omics.advance(180)
    omics.call("CancelRun", {"id": cancelled})
    start("NA24385", running_seconds=120)
    omics.advance(200)
    start("NA24143")
    omics.advance(110)
    start("NA24149")
    omics.advance(8)


def _script(request: Mapping[str, Any]) -> RunScript:
    return RunScript(**{"tasks": TASKS, **request["parameters"]["script"]})


if __name__ == "__main__":
    main()
