"""Cold start: CPU seconds from an empty process to the first answer of our handler.

The handler runs from its staged asset, in a fresh process each time, against the local HealthOmics endpoint and a
stand-in for CloudFormation. Beside it: what everybody pays who writes a handler with boto3 and crhelper as they come.

    .venv/bin/python benchmarks/cold_start.py
"""

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cdk_healthomics.handler_asset import staged_handler
from healthomics_local.endpoint import LocalHealthOmics, Settings

ROUNDS = 9
REGION = "eu-west-1"
STACK_ID = f"arn:aws:cloudformation:{REGION}:123456789012:stack/s/u"

_PYTHON = """
import sys, json
sys.path.insert(0, sys.argv[1])
from healthomics_run_handler.index import handler
class Context:
    aws_request_id = "r"
    def get_remaining_time_in_millis(self): return 60000
handler(json.loads(sys.argv[2]), Context())
"""
_BARE = """
import sys, json, boto3
from crhelper import CfnResource
helper = CfnResource()
"""


class _CloudFormation(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._respond(
            b'<DescribeStackResourceResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">'
            b"<DescribeStackResourceResult><StackResourceDetail><LogicalResourceId>R</LogicalResourceId>"
            b"<ResourceStatus>CREATE_IN_PROGRESS</ResourceStatus></StackResourceDetail></DescribeStackResourceResult>"
            b"</DescribeStackResourceResponse>"
        )

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self._respond(b"")

    def _respond(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def _cloudformation() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _CloudFormation) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _cpu(command: list[str], environment: dict[str, str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def main() -> None:
    """Print the median CPU seconds of each."""
    settings = Settings(region=REGION, accept_unknown_references=True, engine="simulated")
    with tempfile.TemporaryDirectory() as folder, LocalHealthOmics(settings) as omics, _cloudformation() as url:
        with staged_handler() as staged:
            asset = Path(shutil.copytree(staged, Path(folder) / "asset"))
        environment = {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_OMICS": omics.url,
            "AWS_ENDPOINT_URL_CLOUDFORMATION": url,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        }

        def event(number: int) -> str:
            properties = {
                "Name": "n",
                "WorkflowId": "1",
                "RoleArn": "arn:aws:iam::123456789012:role/r",
                "OutputUri": "s3://b/o",
            }
            return json.dumps(
                {
                    "RequestType": "Create",
                    "StackId": STACK_ID,
                    "LogicalResourceId": "R",
                    "RequestId": f"r{number}",
                    "ResponseURL": f"{url}/r{number}",
                    "ResourceProperties": properties,
                }
            )

        ours = [_cpu([sys.executable, "-c", _PYTHON, str(asset), event(each)], environment) for each in range(ROUNDS)]
        bare = [_cpu([sys.executable, "-c", _BARE], environment) for _ in range(ROUNDS)]
        started = len(omics.runs())
    print(f"{statistics.median(ours):.3f} s CPU  WorkflowRun's handler, start to answer ({started} runs started)")
    print(f"{statistics.median(bare):.3f} s CPU  boto3 and crhelper as they come: import and CfnResource() alone")


if __name__ == "__main__":
    main()
