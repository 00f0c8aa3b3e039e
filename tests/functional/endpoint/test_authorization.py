"""An endpoint that knows its callers: real clients with their own keys, policies, and roles of runs."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from healthomics_local.endpoint import LocalHealthOmics, MemoryObjectStore, Outcome, RunScript, S3Uri
from healthomics_local.endpoint.authorization.policy_authorizer import PolicyAuthorizer, Principal, Role
from healthomics_local.endpoint.objects import ObjectStoreError
from healthomics_local.testing import local_healthomics

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from healthomics_local.endpoint.engines.engine import Job

pytestmark = pytest.mark.slow

ACCOUNT = "123456789012"
REGION = "us-east-1"
ARNS = f"arn:aws:omics:{REGION}:{ACCOUNT}:"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/runs/run"
START: dict[str, Any] = {"roleArn": ROLE, "outputUri": "s3://results/out", "name": "r"}
PASS_ROLE = {
    "Effect": "Allow",
    "Action": "iam:PassRole",
    "Resource": ROLE,
    "Condition": {"StringEquals": {"iam:PassedToService": "omics.amazonaws.com"}},
}
TRUST = {
    "Effect": "Allow",
    "Principal": {"Service": "omics.amazonaws.com"},
    "Action": "sts:AssumeRole",
    "Condition": {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"{ARNS}run/*"},
    },
}
WRITE_LOGS = {
    "Effect": "Allow",
    "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
    "Resource": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/omics/WorkflowLog:*",
}
USE_BUCKETS = {
    "Effect": "Allow",
    "Action": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
    "Resource": ["arn:aws:s3:::reads", "arn:aws:s3:::reads/*", "arn:aws:s3:::results", "arn:aws:s3:::results/out/*"],
}


def allow(action: str | list[str], resource: str | list[str] = "*", **condition: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return statement | ({"Condition": condition} if condition else {})


def principal(name: str, *statements: dict[str, Any], token: str | None = None) -> Principal:
    return Principal(
        arn=f"arn:aws:iam::{ACCOUNT}:user/{name}",
        access_key_id=f"AKIA{name.upper()}",
        secret_access_key=f"secret of {name}",
        session_token=token,
        policies=[{"Statement": list(statements)}],
    )


ADMIN = principal("admin", allow("*"))


def role(*statements: dict[str, Any], trust: dict[str, Any] | None = None) -> Role:
    policy = {"Statement": [trust or TRUST]}
    return Role(arn=ROLE, trust_policy=policy, policies=[{"Statement": list(statements)}])


GOOD_ROLE = role(WRITE_LOGS, USE_BUCKETS)


def endpoint(*principals: Principal, roles: Sequence[Role] = (GOOD_ROLE,), **settings: Any) -> Any:
    return local_healthomics(authorizer=PolicyAuthorizer([ADMIN, *principals], roles), **settings)


def client(omics: LocalHealthOmics, caller: Principal = ADMIN) -> Any:
    return boto3.client(
        "omics",
        endpoint_url=omics.url,
        region_name=REGION,
        aws_access_key_id=caller.access_key_id,
        aws_secret_access_key=caller.secret_access_key,
        aws_session_token=caller.session_token,
        config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
    )


def denial(call: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert refused.value.response["Error"]["Code"] == "AccessDeniedException"
    return refused.value.response["Error"]["Message"]


@pytest.fixture
def omics() -> Iterator[LocalHealthOmics]:
    with endpoint() as omics:
        yield omics


def test_a_caller_who_may_do_everything_notices_nothing(omics: LocalHealthOmics) -> None:
    admin = client(omics)
    workflow = omics.add_workflow().workflow_id

    run = admin.start_run(workflowId=workflow, **START, tags={"team a": "é & =/"})
    omics.run_until_idle()
    admin.tag_resource(resourceArn=run["arn"], tags={"b": "2"})

    assert admin.get_run(id=run["id"])["status"] == "COMPLETED"
    assert admin.list_tags_for_resource(resourceArn=run["arn"])["tags"] == {"team a": "é & =/", "b": "2"}
    assert [each["id"] for each in admin.list_runs(name="r")["items"]] == [run["id"]]


def test_session_credentials_work_with_their_token_only() -> None:
    session = principal("session", allow("omics:ListRuns"), token="the/token+=")
    with endpoint(session) as omics:
        assert client(omics, session).list_runs()["items"] == []

        for wrong in (None, "another"):
            stolen = principal("session", token=wrong)
            with pytest.raises(ClientError, match=r"UnrecognizedClientException.*security token.*is invalid"):
                client(omics, stolen).list_runs()


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (
            "run/*",
            f"omics:StartRun on resource: {ARNS}run/* because no identity-based policy allows the omics:StartRun",
        ),
        ("workflow/W", f"omics:StartRun on resource: {ARNS}workflow/"),
        ("runGroup/G", f"omics:StartRun on resource: {ARNS}runGroup/"),
        ("tag", f"omics:TagResource on resource: {ARNS}run/* because no identity-based policy allows"),
        ("pass", f"iam:PassRole on resource: {ROLE} because no identity-based policy allows the iam:PassRole action"),
        (None, None),
    ],
)
def test_start_run_needs_every_single_permission(missing: str | None, said: str | None) -> None:
    with endpoint() as seed:
        group, workflow = seed.call("CreateRunGroup")["id"], seed.add_workflow().workflow_id
    statements = {
        "run/*": allow("omics:StartRun", f"{ARNS}run/*"),
        "workflow/W": allow("omics:StartRun", f"{ARNS}workflow/*"),
        "runGroup/G": allow("omics:StartRun", f"{ARNS}runGroup/*"),
        "tag": allow("omics:TagResource", f"{ARNS}run/*"),
        "pass": PASS_ROLE,
    }
    caller = principal("u", *(statement for name, statement in statements.items() if name != missing))
    with endpoint(caller, accept_unknown_references=True) as omics:

        def start() -> Any:
            return client(omics, caller).start_run(workflowId=workflow, runGroupId=group, tags={"a": "b"}, **START)

        if said is None:
            assert start()["status"] == "PENDING"
        else:
            message = denial(start)
            assert message.startswith(f"User: {caller.arn} is not authorized to perform: {said}")
            assert omics.runs() == []


def test_the_role_may_be_passed_to_healthomics_only() -> None:
    elsewhere = {**PASS_ROLE, "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
    caller = principal("u", allow("omics:*"), elsewhere)
    with endpoint(caller) as omics:
        workflow = omics.add_workflow().workflow_id

        assert "iam:PassRole" in denial(lambda: client(omics, caller).start_run(workflowId=workflow, **START))


def test_ready2run_and_shared_workflows_have_other_accounts_in_their_arns() -> None:
    own = principal("own", allow("omics:StartRun", [f"{ARNS}run/*", f"{ARNS}workflow/*"]), PASS_ROLE)
    others = principal(
        "others",
        allow(
            "omics:StartRun",
            [f"{ARNS}run/*", f"arn:aws:omics:{REGION}::workflow/*", f"arn:aws:omics:{REGION}:210987654321:workflow/*"],
        ),
        PASS_ROLE,
    )
    with endpoint(own, others) as omics:
        shared = omics.add_workflow(owner_id="210987654321").workflow_id
        for members in (
            {"workflowId": "9500764", "workflowType": "READY2RUN"},
            {"workflowId": shared, "workflowOwnerId": "210987654321"},
        ):
            assert "omics:StartRun" in denial(lambda members=members: client(omics, own).start_run(**members, **START))
            assert client(omics, others).start_run(**members, **START)["status"] == "PENDING"


def test_reading_is_limited_to_the_runs_that_a_policy_names(omics: LocalHealthOmics) -> None:
    workflow = omics.add_workflow().workflow_id
    one, two = (client(omics).start_run(workflowId=workflow, **START) for _ in range(2))
    caller = principal("u", allow("omics:*Run*", one["arn"]))
    with endpoint(caller) as other:
        reader = client(other, caller)

        # No such run here: to whoever may not see a run, its absence is no news.
        assert f"omics:GetRun on resource: {two['arn']}" in denial(lambda: reader.get_run(id=two["id"]))
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            reader.get_run(id=one["id"])
        assert denial(reader.list_runs).startswith(
            f"User: {caller.arn} is not authorized to perform: omics:ListRuns because no identity-based policy"
        )


def test_tags_decide_where_a_policy_says_so() -> None:
    caller = principal(
        "u",
        allow("omics:StartRun", f"{ARNS}*", StringEquals={"aws:RequestTag/team": "mine"}),
        allow("omics:TagResource", f"{ARNS}run/*", **{"ForAllValues:StringEquals": {"aws:TagKeys": ["team"]}}),
        allow("omics:CancelRun", f"{ARNS}run/*", StringEquals={"aws:ResourceTag/team": "mine"}),
        PASS_ROLE,
    )
    with endpoint(caller) as omics:
        workflow = omics.add_workflow().workflow_id
        theirs = client(omics).start_run(workflowId=workflow, tags={"team": "theirs"}, **START)
        limited = client(omics, caller)

        mine = limited.start_run(workflowId=workflow, tags={"team": "mine"}, **START)
        limited.cancel_run(id=mine["id"])

        for call in (
            lambda: limited.start_run(workflowId=workflow, **START),
            lambda: limited.start_run(workflowId=workflow, tags={"team": "mine", "more": "x"}, **START),
            lambda: limited.cancel_run(id=theirs["id"]),
            # With a condition on tags, a run that is gone is not found out about.
            lambda: limited.cancel_run(id="1"),
        ):
            assert "is not authorized to perform: omics:" in denial(call)


@pytest.mark.parametrize("in_s3", [False, True])
def test_tags_of_a_batch_s_runs_must_be_allowed_wherever_they_lie(*, in_s3: bool) -> None:
    caller = principal("u", allow(["omics:StartRunBatch", "omics:StartRun"], f"{ARNS}*"), PASS_ROLE)
    store = MemoryObjectStore()
    with endpoint(caller, object_store=store) as omics:
        default = {"workflowId": omics.add_workflow().workflow_id, "roleArn": ROLE, "outputUri": "s3://results/out"}
        limited = client(omics, caller)

        def started(*settings: dict[str, Any]) -> Any:
            store.put("s3://reads/settings.json", json.dumps(settings))
            source = {"s3UriSettings": "s3://reads/settings.json"} if in_s3 else {"inlineSettings": list(settings)}
            return limited.start_run_batch(defaultRunSetting=default, batchRunSettings=source)

        started({"runSettingId": "a"})

        message = denial(lambda: started({"runSettingId": "a"}, {"runSettingId": "b", "runTags": {"k": "v"}}))
        assert f"omics:TagResource on resource: {ARNS}run/*" in message


def test_an_explicit_denial_says_so() -> None:
    caller = principal("u", allow("omics:*"), {"Effect": "Deny", "Action": "omics:ListRuns", "Resource": "*"})
    with endpoint(caller) as omics:
        assert denial(client(omics, caller).list_runs).endswith(
            "omics:ListRuns with an explicit deny in an identity-based policy"
        )


def test_validation_comes_before_permission_and_the_denied_call_is_recorded() -> None:
    caller = principal("u")
    with endpoint(caller) as omics:
        with pytest.raises(ClientError, match="ValidationException"):
            client(omics, caller).get_run(id="abc")
        denial(lambda: client(omics, caller).get_run(id="1"))

        assert [(each.status, each.error) for each in omics.requests("GetRun")] == [
            (400, "ValidationException"),
            (403, "AccessDeniedException"),
        ]


def sent(omics: LocalHealthOmics, at: datetime, *, secret: str = ADMIN.secret_access_key) -> tuple[int, str, str]:
    """List runs with a request that was signed at some time: status, code and message."""
    request = AWSRequest(method="GET", url=f"{omics.url}/run", headers={"host": "workflows-omics.local"})
    request.context["timestamp"] = f"{at:%Y%m%dT%H%M%SZ}"
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    signer = SigV4Auth(Credentials(ADMIN.access_key_id, secret), "omics", REGION)
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    signer._inject_signature_to_request(request, signature)
    connection = HTTPConnection(urlsplit(omics.url).netloc, timeout=60)
    try:
        connection.request("GET", "/run", headers=dict(request.headers.items()))
        response = connection.getresponse()
        body = json.loads(response.read())
        return response.status, response.headers.get("x-amzn-errortype", ""), body.get("message", "")
    finally:
        connection.close()


def test_the_wall_clock_decides_how_old_a_signature_is_whatever_the_runs_clock_says(omics: LocalHealthOmics) -> None:
    now = datetime.now(UTC)

    assert sent(omics, now)[0] == 200
    assert sent(omics, now - timedelta(minutes=14))[0] == 200
    for minutes, said in ((-20, "Signature expired: "), (20, "Signature not yet current: ")):
        status, code, message = sent(omics, now + timedelta(minutes=minutes))
        assert (status, code) == (403, "InvalidSignatureException")
        assert message.startswith(said)


@pytest.mark.parametrize(
    ("caller", "code"),
    [
        (principal("nobody"), "UnrecognizedClientException"),
        (Principal(arn=ADMIN.arn, access_key_id="AKIAADMIN", secret_access_key="wrong"), "InvalidSignatureException"),
    ],
)
def test_wrong_keys_are_refused_as_aws_refuses_them(omics: LocalHealthOmics, caller: Principal, code: str) -> None:
    with pytest.raises(ClientError, match=code) as refused:
        client(omics, caller).list_runs()

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert omics.requests() == []


def ended(omics: LocalHealthOmics, **members: Any) -> dict[str, Any]:
    """What becomes of a run of a workflow whose definition nobody needs."""
    workflow = omics.add_workflow().workflow_id
    run = client(omics).start_run(workflowId=workflow, **START | members)
    omics.run_until_idle()
    return client(omics).get_run(id=run["id"])


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        (TRUST | {"Principal": {"Service": "lambda.amazonaws.com"}}, "does not let omics.amazonaws.com assume it"),
        (TRUST | {"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}, "does not let omics.amazonaws.com"),
        (TRUST | {"Condition": {"StringEquals": {"aws:SourceAccount": "210987654321"}}}, "does not let omics"),
        (TRUST | {"Condition": {"ArnLike": {"aws:SourceArn": f"{ARNS}workflow/*"}}}, "does not let omics"),
        (TRUST | {"Effect": "Deny"}, "does not let omics"),
    ],
    ids=["service", "account", "source account", "source arn", "deny"],
)
def test_a_run_whose_role_cannot_be_assumed_fails_late(trust: dict[str, Any], said: str) -> None:
    with endpoint(roles=[role(WRITE_LOGS, USE_BUCKETS, trust=trust)]) as omics:
        run = ended(omics)

    assert (run["status"], run["failureReason"]) == ("FAILED", "ASSUME_ROLE_FAILED")
    assert run["statusMessage"].startswith("IAM role is invalid or inaccessible: ")
    assert said in run["statusMessage"]
    assert "startTime" not in run


def test_a_role_that_does_not_exist_fails_the_run(omics: LocalHealthOmics) -> None:
    run = ended(omics, roleArn=f"arn:aws:iam::{ACCOUNT}:role/other")

    assert (run["status"], run["failureReason"]) == ("FAILED", "ASSUME_ROLE_FAILED")


def test_a_run_that_is_cancelled_while_its_role_is_checked_stays_cancelled() -> None:
    def cancel(run: Any) -> str:
        omics.call("CancelRun", {"id": run.run_id})
        return "too late"

    with local_healthomics(check_run_role=cancel, accept_unknown_references=True) as omics:
        run = omics.call("StartRun", START | {"workflowId": "1"})
        omics.run_until_idle()

        assert omics.call("GetRun", {"id": run["id"]})["status"] == "CANCELLED"


def test_a_check_that_breaks_fails_the_run_and_not_the_endpoint() -> None:
    def broken(_: Any) -> str:
        raise RuntimeError("nobody is there")

    with local_healthomics(check_run_role=broken, accept_unknown_references=True) as omics:
        run = omics.call("StartRun", START | {"workflowId": "1"})
        omics.run_until_idle()

        assert omics.call("GetRun", {"id": run["id"]})["failureReason"] == "SERVICE_ERROR"


@pytest.mark.parametrize("action", WRITE_LOGS["Action"])
def test_a_role_without_a_permission_for_logs_fails_the_run(action: str) -> None:
    some = {**WRITE_LOGS, "Action": [each for each in WRITE_LOGS["Action"] if each != action]}
    with endpoint(roles=[role(some, USE_BUCKETS)]) as omics:
        run = ended(omics)

    assert run["status"] == "FAILED"
    assert f"is not authorized to perform: {action}" in run["statusMessage"]


def test_a_session_policy_narrows_the_role(omics: LocalHealthOmics) -> None:
    wide = json.dumps({"Version": "2012-10-17", "Statement": [allow("*")]})
    narrow = json.dumps({"Statement": [allow("logs:CreateLog*")]})

    assert ended(omics, sessionPolicy=wide)["status"] == "COMPLETED"
    run = ended(omics, sessionPolicy=narrow)
    assert "is not authorized to perform: logs:DescribeLogStreams" in run["statusMessage"]


class Copying:
    """An engine that copies one object, and says what it was refused."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / hashlib.sha256(str(folder).encode()).hexdigest()

    def inspect(self, workflow: Any, done: Any) -> None:
        raise NotImplementedError

    def start(self, job: Job, reporter: Any) -> Any:
        assert job.objects is not None
        try:
            source = S3Uri.parse(job.run.request["parameters"]["from"])
            job.objects.download(source, self._file)
            job.objects.upload(self._file, S3Uri.parse(job.run.run_output_uri) / "copy")
            reporter.finished(Outcome())
        except ObjectStoreError as error:
            reporter.finished(Outcome.failed("RUN_TASK_FAILED", str(error)))

    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("without", "resource", "said"),
    [
        ("s3:GetObject", None, "S3 access denied for s3://reads/a.fq"),
        ("s3:ListBucket", None, "s3:ListBucket on resource: arn:aws:s3:::reads "),
        ("s3:PutObject", None, "s3:PutObject on resource: arn:aws:s3:::results/out/"),
        (None, "arn:aws:s3:::results", "s3:ListBucket on resource: arn:aws:s3:::results "),
        (None, None, None),
    ],
)
def test_a_run_reads_and_writes_what_its_role_may(
    tmp_path: Path, without: str | None, resource: str | None, said: str | None
) -> None:
    statement = {
        **USE_BUCKETS,
        "Action": [each for each in USE_BUCKETS["Action"] if each != without],
        "Resource": [each for each in USE_BUCKETS["Resource"] if each != resource],
    }
    store = MemoryObjectStore()
    store.put("s3://reads/a.fq", "ACGT")
    settings: dict[str, Any] = {
        "object_store": store,
        "engine": {"WDL": Copying(tmp_path)},
        "script": lambda _: RunScript(),
    }
    with endpoint(roles=[role(WRITE_LOGS, statement)], **settings) as omics:
        run = ended(omics, parameters={"from": "s3://reads/a.fq"})

    if said is None:
        assert run["status"] == "COMPLETED"
        assert store.get(f"{run['runOutputUri']}/copy") == b"ACGT"
    else:
        assert run["status"] == "FAILED"
        assert said in run["statusMessage"]
