"""A stand-in for CloudFormation that sends events to the real handler and takes its answers over HTTP."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from healthomics_local.endpoint import LocalHealthOmics
from healthomics_run_handler import index

REGION, ACCOUNT = "eu-west-1", "123456789012"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/genomes/5a0c0e70-0000-11ee-be56-0242ac120002"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/run"
_NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"


@dataclass
class Stack:
    """What the stand-in says of the one resource and its stack, and the answers that it was given."""

    status: str = "CREATE_IN_PROGRESS"
    stack_status: str = "CREATE_IN_PROGRESS"
    physical_id: str = ""
    answers: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def describe(self, action: str) -> str:
        self.calls.append(action)
        if action == "DescribeStacks":
            inner = (
                "<Stacks><member><StackName>genomes</StackName><CreationTime>2026-11-01T00:00:00Z</CreationTime>"
                f"<StackStatus>{self.stack_status}</StackStatus></member></Stacks>"
            )
        else:
            held = f"<PhysicalResourceId>{escape(self.physical_id)}</PhysicalResourceId>" if self.physical_id else ""
            inner = (
                f"<StackResourceDetail><LogicalResourceId>Alignment</LogicalResourceId>{held}"
                "<ResourceType>Custom::HealthOmicsRun</ResourceType>"
                "<LastUpdatedTimestamp>2026-11-01T00:00:00Z</LastUpdatedTimestamp>"
                f"<ResourceStatus>{self.status}</ResourceStatus></StackResourceDetail>"
            )
        return f'<{action}Response xmlns="{_NAMESPACE}"><{action}Result>{inner}</{action}Result></{action}Response>'


def requests_for(stack: Stack) -> type[BaseHTTPRequestHandler]:
    class Requests(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self._body().decode())
            self._respond(stack.describe(form["Action"][0]).encode())

        def do_PUT(self) -> None:
            stack.answers.append(json.loads(self._body()))
            self._respond(b"")

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers["content-length"]))

        def _respond(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Requests


class Context:
    """Lambda's context object, with a fixed remaining time."""

    aws_request_id = "lambda-request"

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def get_remaining_time_in_millis(self) -> int:
        return int(self._seconds * 1000)


class Deployment:
    """Sends events to the handler as CloudFormation does."""

    def __init__(self, stack: Stack, omics: LocalHealthOmics, url: str) -> None:
        self.stack = stack
        self.omics = omics
        self._url = url
        self._ids = itertools.count(1)

    def properties(self, **changes: Any) -> dict[str, Any]:
        return {
            "ServiceToken": "arn:aws:lambda:eu-west-1:123456789012:function:provider",
            "ServiceTimeout": "3600",
            "Name": "genomes-alignment",
            "WorkflowId": "1234567",
            "RoleArn": ROLE_ARN,
            "OutputUri": "s3://results/out",
            "StorageType": "DYNAMIC",
            **changes,
        }

    def event(
        self, request_type: str, properties: Mapping[str, Any], *, physical_id: str = "", old: Any = None
    ) -> dict[str, Any]:
        request_id = f"request-{next(self._ids)}"
        return {
            "RequestType": request_type,
            "StackId": STACK_ID,
            "LogicalResourceId": "Alignment",
            "RequestId": request_id,
            "ResponseURL": f"{self._url}/{request_id}?X-Amz-Signature=5ecret",
            "ResourceType": "Custom::HealthOmicsRun",
            "ResourceProperties": dict(properties),
            **({"PhysicalResourceId": physical_id} if physical_id else {}),
            **({"OldResourceProperties": dict(old)} if old is not None else {}),
        }

    def send(self, event: dict[str, Any], *, seconds: float = 60.0) -> dict[str, Any]:
        index.handler(event, Context(seconds))
        return self.stack.answers[-1]

    def create(self, *, seconds: float = 60.0, **changes: Any) -> dict[str, Any]:
        self.stack.status = self.stack.stack_status = "CREATE_IN_PROGRESS"
        return self.send(self.event("Create", self.properties(**changes)), seconds=seconds)

    def update(self, physical_id: str, changes: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
        self.stack.status = self.stack.stack_status = "UPDATE_IN_PROGRESS"
        self.stack.physical_id = physical_id
        old = self.properties(**before)
        return self.send(self.event("Update", self.properties(**changes), physical_id=physical_id, old=old))

    def delete(self, physical_id: str, **changes: Any) -> dict[str, Any]:
        self.stack.status = self.stack.stack_status = "DELETE_IN_PROGRESS"
        self.stack.physical_id = physical_id
        return self.send(self.event("Delete", self.properties(**changes), physical_id=physical_id))

    def statuses(self) -> list[str]:
        return [str(run.status) for run in self.omics.runs()]
