"""The real function with the real boto3, between HealthOmics and a stand-in for CloudFormation on one virtual clock."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import pytest

from healthomics_local.endpoint import LocalHealthOmics, RunScript, Settings, Timings
from healthomics_local.endpoint.clock import VirtualClock
from healthomics_run_handler.contract import RESOURCE_TYPE
from healthomics_run_handler.identity import RunIdentity
from healthomics_run_handler.ledger import LOGICAL_ID
from healthomics_run_handler.ledger import STACK_ID as STACK_TAG
from healthomics_run_waiter import contract, index

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

REGION, ACCOUNT = "eu-west-1", "123456789012"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/genomes/5a0c0e70-0000-11ee-be56-0242ac120002"
RULE = "genomes-Schedule-1A2B3C"
LAMBDA_SECONDS = 900.0
PAGE = 3
"""Resources in one answer of ListStackResources; so few that every test pages."""


@dataclass(kw_only=True)
class Resource:
    kind: str
    status: str
    physical_id: str
    changed_at: datetime


@dataclass(kw_only=True)
class FunctionClock:
    """The function's clock: who sleeps moves time on for everybody."""

    clock: VirtualClock

    def now(self) -> float:
        return self.clock.now().timestamp()

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)


@dataclass(kw_only=True)
class Context:
    """Lambda's context object."""

    clock: VirtualClock
    aws_request_id: str = "lambda-request"

    def __post_init__(self) -> None:
        self._ends = self.clock.now() + timedelta(seconds=LAMBDA_SECONDS)

    def get_remaining_time_in_millis(self) -> int:
        return int((self._ends - self.clock.now()).total_seconds() * 1000)


@dataclass(kw_only=True)
class Cloud:
    """One stack, whose wait conditions time out by the clock; its runs; and a schedule."""

    clock: VirtualClock
    events: list[dict[str, Any]] = field(default_factory=list)
    omics: Any = None
    url: str = ""
    status: str = "CREATE_IN_PROGRESS"
    enabled: bool = False
    resources: dict[str, Resource] = field(default_factory=dict)
    answers: list[dict[str, Any]] = field(default_factory=list)
    signals: list[tuple[str, datetime]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.began_at = self.clock.now()

    # --- what a deployment does ---

    def start_run(self, hours: float, **script: Any) -> str:
        """A run of the stack, and the resource that holds it; return its id."""
        run = self.omics.client().start_run(
            workflowId="1234567",
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/run",
            name="genomes-alignment",
            outputUri="s3://results/out",
            parameters={"hours": hours, **script},
            tags={STACK_TAG: STACK_ID, LOGICAL_ID: "Alignment"},
        )
        identity = RunIdentity(
            run_id=run["id"], uuid=run["uuid"], spec_digest="d" * 32, output_uri=f"s3://results/out/{run['id']}"
        )
        self.put("Alignment", RESOURCE_TYPE, "CREATE_COMPLETE", identity.physical_id())
        self.identity = identity
        return identity.run_id

    def wait(self, seconds: int = 43_200) -> str:
        """A wait condition for the run; return its logical id."""
        logical_id = str(contract.wait_id("Alignment", seconds=seconds, digest="0" * 16))
        self.put(logical_id, contract.WAIT_CONDITION_TYPE, "CREATE_IN_PROGRESS", "")

        def time_out() -> None:
            if self.resources[logical_id].status == "CREATE_IN_PROGRESS":
                self.resources[logical_id].status = "CREATE_FAILED"
                self.status = "ROLLBACK_IN_PROGRESS"

        self.clock.call_later(contract.policy_seconds(seconds), time_out)
        return logical_id

    def put(self, logical_id: str, kind: str, status: str, physical_id: str) -> None:
        self.resources[logical_id] = Resource(
            kind=kind, status=status, physical_id=physical_id, changed_at=self.clock.now()
        )

    def ask(self, resource_type: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Send a Create; return the answer."""
        self.invoke(
            {
                "RequestType": "Create",
                "StackId": STACK_ID,
                "LogicalResourceId": "Resource",
                "RequestId": "request-1",
                "ResponseURL": f"{self.url}/response?X-Amz-Signature=5ecret",
                "ResourceType": resource_type,
                "ResourceProperties": dict(properties),
            }
        )
        return self.answers[-1]

    def complete(self, seconds: int = 43_200) -> dict[str, Any]:
        """The answer of the completion."""
        return self.ask(
            contract.COMPLETION_TYPE,
            {
                contract.RUN: "Alignment",
                contract.RUN_ID: self.identity.run_id,
                contract.RUN_UUID: self.identity.uuid,
                contract.RUN_OUTPUT_URI: self.identity.output_uri,
                contract.REQUIRE: ["COMPLETED"],
                contract.SECONDS: str(seconds),
            },
        )

    # --- what invokes the function ---

    def invoke(self, event: dict[str, Any]) -> None:
        index.handler(event, Context(clock=self.clock))

    def pass_time(self, seconds: float, *, deliver: bool = True) -> None:
        """Let time pass: ticks come while the schedule is on, and events if they are delivered."""
        end = self.clock.now() + timedelta(seconds=seconds)
        while self.clock.now() < end:
            self.clock.advance(min(contract.TICK_SECONDS, (end - self.clock.now()).total_seconds()))
            while self.events:
                event = self.events.pop(0)
                detail = event["detail"]
                about_a_run = event["detail-type"] == "Run Status Change"
                if deliver and about_a_run and detail["status"] in contract.EVENT_STATUSES:
                    self.invoke({"stackId": STACK_ID, "runId": detail["runId"], "runUuid": detail["uuid"]})
            if self.enabled:
                self.invoke({"stackId": STACK_ID, "ruleArns": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{RULE}"]})

    # --- what the function calls ---

    def query(self, form: Mapping[str, list[str]]) -> tuple[int, str]:
        """CloudFormation's API."""
        action = form["Action"][0]
        assert form["StackName"] == [STACK_ID]
        match action:
            case "DescribeStacks":
                inner = (
                    f"<Stacks><member><StackName>genomes</StackName><CreationTime>{_text(self.began_at)}</CreationTime>"
                    f"<StackStatus>{self.status}</StackStatus></member></Stacks>"
                )
            case "ListStackResources":
                inner = self._page(int(form.get("NextToken", ["0"])[0]))
            case "SignalResource":
                resource = self.resources[form["LogicalResourceId"][0]]
                if self.status != "CREATE_IN_PROGRESS" or resource.status != "CREATE_IN_PROGRESS":
                    error = "<Code>ValidationError</Code><Message>cannot be signaled</Message>"
                    return 400, f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
                assert form["Status"] == ["SUCCESS"]
                resource.status = "CREATE_COMPLETE"
                self.signals.append((form["UniqueId"][0], self.clock.now()))
                inner = ""
            case _:
                raise AssertionError(action)
        return 200, f"<{action}Response><{action}Result>{inner}</{action}Result></{action}Response>"

    def _page(self, first: int) -> str:
        listed = list(self.resources.items())
        members = "".join(
            f"<member><LogicalResourceId>{name}</LogicalResourceId><ResourceType>{each.kind}</ResourceType>"
            f"<PhysicalResourceId>{escape(each.physical_id)}</PhysicalResourceId>"
            f"<ResourceStatus>{each.status}</ResourceStatus>"
            f"<LastUpdatedTimestamp>{_text(each.changed_at)}</LastUpdatedTimestamp></member>"
            for name, each in listed[first : first + PAGE]
        )
        more = f"<NextToken>{first + PAGE}</NextToken>" if first + PAGE < len(listed) else ""
        return f"<StackResourceSummaries>{members}</StackResourceSummaries>{more}"

    def switch(self, target: str, body: Mapping[str, Any]) -> None:
        """EventBridge's API."""
        assert body == {"Name": RULE}
        self.enabled = {"AWSEvents.EnableRule": True, "AWSEvents.DisableRule": False}[target]


def _text(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def requests_for(cloud: Cloud) -> type[BaseHTTPRequestHandler]:
    class Requests(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if target := self.headers["X-Amz-Target"]:
                cloud.switch(target, json.loads(self._body()))
                self._respond(200, "{}")
            else:
                self._respond(*cloud.query(parse_qs(self._body().decode())))

        def do_PUT(self) -> None:
            cloud.answers.append(json.loads(self._body()))
            self._respond(200, "")

        def _body(self) -> bytes:
            return self.rfile.read(int(self.headers["content-length"]))

        def _respond(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            pass

    return Requests


def script(members: Mapping[str, Any]) -> RunScript:
    """How a run goes, by its parameters."""
    asked = dict(members["parameters"])
    return RunScript(running_seconds=asked.pop("hours") * 3600, **asked)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    clock = VirtualClock()
    cloud = Cloud(clock=clock)
    settings = Settings(
        region=REGION,
        account_id=ACCOUNT,
        clock=clock,
        timings=Timings.none(),
        engine="simulated",
        accept_unknown_references=True,
        event_sink=cloud.events.append,
        script=script,
    )
    with (
        LocalHealthOmics(settings) as omics,
        ThreadingHTTPServer(("127.0.0.1", 0), requests_for(cloud)) as server,
    ):
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        cloud.omics, cloud.url = omics, f"http://127.0.0.1:{server.server_port}"
        for name, value in {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": cloud.url,
            "AWS_ENDPOINT_URL_OMICS": omics.url,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(index, "SystemClock", lambda: FunctionClock(clock=clock))
        index._clients.cache_clear()
        yield cloud
        for client in index._clients():
            client._client.close()
        index._clients.cache_clear()
        server.shutdown()
        thread.join()
