"""MiniStack behind the launcher, a HealthOmics endpoint beside it, and stacks of raw templates on both."""

from __future__ import annotations

import io
import itertools
import json
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from healthomics_local.endpoint import LocalHealthOmics, Settings, Timings
from healthomics_local.folders import home_folder
from healthomics_local.ministack_environment import ensure_environment
from healthomics_local.ministack_process import MiniStackProcess, MiniStackSettings, listen

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "eu-west-1"
IN_PROGRESS = "_IN_PROGRESS"


@dataclass(frozen=True, kw_only=True)
class Server:
    process: MiniStackProcess
    omics: LocalHealthOmics

    def client(self, service: str, *, region: str = REGION) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.process.url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    listener = listen(0)
    settings = Settings(
        region=REGION,
        account_id="000000000000",
        timings=Timings.none(),
        aws_endpoint_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
    )
    with LocalHealthOmics(settings) as omics:
        process = MiniStackProcess(
            listener,
            MiniStackSettings(
                python=ensure_environment(home_folder()),
                region=REGION,
                account_id="000000000000",
                omics_endpoint_url=omics.url,
                log_file=tmp_path_factory.mktemp("ministack") / "ministack.log",
                temporary_directory=tmp_path_factory.mktemp("temporary"),
            ),
        )
        try:
            process.wait_until_ready()
            yield Server(process=process, omics=omics)
        finally:
            process.stop()


@pytest.fixture(scope="session")
def provider_arn(server: Server) -> str:
    """A Lambda function that answers custom-resource requests as their properties tell it."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.write(Path(__file__).with_name("provider_function.py"), "index.py")
    role = server.client("iam").create_role(RoleName="provider", AssumeRolePolicyDocument="{}")
    function = server.client("lambda").create_function(
        FunctionName="provider",
        Runtime="python3.13",
        Handler="index.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": code.getvalue()},
        Timeout=20,
    )
    return function["FunctionArn"]


@dataclass(kw_only=True)
class Stack:
    """One stack of custom resources, and what their provider was asked."""

    name: str
    client: Any
    provider_arn: str
    notes: Path

    def resource(self, **properties: Any) -> dict[str, Any]:
        return {
            "Type": "Custom::Thing",
            "Properties": {"ServiceToken": self.provider_arn, "Notes": str(self.notes), **properties},
        }

    def create(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None, **options: Any) -> str:
        body = json.dumps({"Resources": resources, "Outputs": outputs or {}})
        self.client.create_stack(StackName=self.name, TemplateBody=body, **options)
        return self.wait()

    def update(self, resources: dict[str, Any], outputs: dict[str, Any] | None = None) -> str:
        body = json.dumps({"Resources": resources, "Outputs": outputs or {}})
        self.client.update_stack(StackName=self.name, TemplateBody=body)
        return self.wait()

    def delete(self) -> str:
        stack_id = self.describe()["StackId"]
        self.client.delete_stack(StackName=self.name)
        return self.wait(stack_id)

    def describe(self, name: str | None = None) -> dict[str, Any]:
        return self.client.describe_stacks(StackName=name or self.name)["Stacks"][0]

    def wait(self, name: str | None = None) -> str:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline:
            status = self.describe(name)["StackStatus"]
            if not status.endswith(IN_PROGRESS):
                return status
            time.sleep(0.02)
        raise TimeoutError(f"{self.name} is still {status}")

    def requests(self) -> list[tuple[str, str | None]]:
        """What the provider was asked so far: kind and physical id, repetitions included."""
        return [(event["RequestType"], event.get("PhysicalResourceId")) for event in self.events()]

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.notes.read_text().splitlines()] if self.notes.exists() else []

    def reasons(self) -> str:
        events = self.client.describe_stack_events(StackName=self.describe()["StackId"])["StackEvents"]
        return "\n".join(event.get("ResourceStatusReason", "") for event in events)


_numbers = itertools.count()


@pytest.fixture
def stack(server: Server, provider_arn: str, tmp_path: Path) -> Stack:
    return Stack(
        name=f"stack-{next(_numbers)}",
        client=server.client("cloudformation"),
        provider_arn=provider_arn,
        notes=tmp_path / "notes.jsonl",
    )
