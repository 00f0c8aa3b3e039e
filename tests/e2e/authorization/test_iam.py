"""The endpoint's questions about IAM, answered by the IAM of the local AWS."""

from __future__ import annotations

import io
import json
import urllib.error
import urllib.request
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from healthomics_local.endpoint.authorization.authorizer import Permission, RoleSession
from healthomics_local.ministack.authorization import PATH, SECRET_HEADER, SECRET_VARIABLE

from .conftest import ACCOUNT, REGION

if TYPE_CHECKING:
    from .conftest import LocalAws

pytestmark = pytest.mark.e2e

RUNS = f"arn:aws:omics:{REGION}:{ACCOUNT}:run/"


def allow(action: str | list[str], resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(service: str = "omics.amazonaws.com", **condition: Any) -> str:
    principal: dict[str, Any] = {"Service": service} if "." in service else {"AWS": service}
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return policy(statement | ({"Condition": condition} if condition else {}))


def new_user(local_aws: LocalAws, name: str, *statements: dict[str, Any]) -> dict[str, str]:
    iam = local_aws.client("iam")
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}


def new_role(local_aws: LocalAws, name: str, document: str, *statements: dict[str, Any], **options: str) -> str:
    iam = local_aws.client("iam")
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document, **options)["Role"]["Arn"]
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
    return arn


def test_a_user_may_do_what_his_policy_says_and_root_everything(local_aws: LocalAws) -> None:
    user = new_user(local_aws, "reader", allow("omics:ListRuns"))

    assert "items" in local_aws.client("omics", **user).list_runs()
    assert "items" in local_aws.client("omics").list_workflows(type="PRIVATE")
    with pytest.raises(ClientError) as denied:
        local_aws.client("omics", **user).get_run(id="1234567")
    assert denied.value.response["Error"] == {
        "Code": "AccessDeniedException",
        "Message": f"User: arn:aws:iam::{ACCOUNT}:user/reader is not authorized to perform: omics:GetRun on resource: "
        f"{RUNS}1234567 because no identity-based policy allows the omics:GetRun action",
    }


def test_a_change_of_a_policy_counts_at_once_and_a_deleted_key_no_more(local_aws: LocalAws) -> None:
    user = new_user(local_aws, "changing", allow("omics:ListRuns"))
    client, iam = local_aws.client("omics", **user), local_aws.client("iam")
    client.list_runs()

    denial = {"Effect": "Deny", "Action": "omics:*", "Resource": "*"}
    iam.put_user_policy(UserName="changing", PolicyName="denial", PolicyDocument=policy(denial))
    with pytest.raises(ClientError, match="with an explicit deny in an identity-based policy"):
        client.list_runs()
    iam.delete_access_key(UserName="changing", AccessKeyId=user["key"])
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client.list_runs()


def test_a_session_of_a_role_has_the_roles_permissions_and_needs_its_token(local_aws: LocalAws) -> None:
    arn = new_role(local_aws, "caller", trust(f"arn:aws:iam::{ACCOUNT}:root"), allow("omics:ListRuns"))
    session = local_aws.client("sts").assume_role(RoleArn=arn, RoleSessionName="session")["Credentials"]
    keys = {"key": session["AccessKeyId"], "secret": session["SecretAccessKey"]}

    assert "items" in local_aws.client("omics", **keys, token=session["SessionToken"]).list_runs()
    with pytest.raises(ClientError, match=r"assumed-role/caller/session is not authorized to perform: omics:GetRun"):
        local_aws.client("omics", **keys, token=session["SessionToken"]).get_run(id="1")
    for token in (None, "another"):
        with pytest.raises(ClientError, match="UnrecognizedClientException"):
            local_aws.client("omics", **keys, token=token).list_runs()


def test_a_rule_of_the_default_bus_has_the_arn_that_templates_know(local_aws: LocalAws) -> None:
    arn = local_aws.client("events").put_rule(Name="watch", ScheduleExpression="rate(1 day)")["RuleArn"]
    events = local_aws.client("events", **new_user(local_aws, "switcher", allow("events:EnableRule", arn)))

    events.enable_rule(Name="watch")

    assert arn.endswith(":rule/watch")
    with pytest.raises(ClientError, match="not authorized to perform: events:DisableRule"):
        events.disable_rule(Name="watch")


@pytest.mark.parametrize(
    ("key", "secret", "code"),
    [
        ("AKIAUNKNOWN", "x", "UnrecognizedClientException"),
        ("test", "wrong", "InvalidSignatureException"),
    ],
)
def test_wrong_keys_are_refused(local_aws: LocalAws, key: str, secret: str, code: str) -> None:
    with pytest.raises(ClientError, match=code):
        local_aws.client("omics", key, secret).list_runs()


def test_a_permissions_boundary_and_a_session_policy_narrow_a_role(local_aws: LocalAws) -> None:
    boundary = local_aws.client("iam").create_policy(PolicyName="boundary", PolicyDocument=policy(allow("s3:*")))
    arn = new_role(
        local_aws,
        "narrow",
        trust(),
        allow(["s3:GetObject", "s3:PutObject", "logs:PutLogEvents"]),
        PermissionsBoundary=boundary["Policy"]["Arn"],
    )
    wanted = [Permission(action=f"s3:{name}", resource="arn:aws:s3:::b/k") for name in ("GetObject", "PutObject")]
    session = RoleSession(role_arn=arn, session_name="run-1")
    narrowed = RoleSession(role_arn=arn, session_name="run-1", session_policy=policy(allow("s3:Get*")))

    assert local_aws.authorizer.role_denial(session, wanted) is None
    outside = local_aws.authorizer.role_denial(session, [Permission(action="logs:PutLogEvents")])
    refused = local_aws.authorizer.role_denial(narrowed, wanted)

    assert outside is not None
    assert refused is not None
    assert refused.message.startswith(
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/narrow/run-1 is not authorized to perform: s3:PutObject on resource"
    )


def test_a_buckets_own_policy_counts(local_aws: LocalAws) -> None:
    arn = new_role(local_aws, "reads", trust(), allow("s3:GetObject"))
    s3 = local_aws.client("s3")
    s3.create_bucket(Bucket="guarded", CreateBucketConfiguration={"LocationConstraint": REGION})
    wanted = [Permission(action="s3:GetObject", resource="arn:aws:s3:::guarded/secret/x")]
    session = RoleSession(role_arn=arn, session_name="run-1")
    assert local_aws.authorizer.role_denial(session, wanted) is None

    guard = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::guarded/secret/*"}
    s3.put_bucket_policy(Bucket="guarded", Policy=policy(guard))

    denial = local_aws.authorizer.role_denial(session, wanted)
    assert denial is not None
    assert denial.explicit


@pytest.mark.parametrize(
    ("document", "trusted"),
    [
        (trust(), True),
        (trust(StringEquals={"aws:SourceAccount": ACCOUNT}, ArnLike={"aws:SourceArn": f"{RUNS}*"}), True),
        (trust(StringEquals={"aws:SourceAccount": "123456789012"}), False),
        (trust(ArnLike={"aws:SourceArn": f"arn:aws:omics:us-east-1:{ACCOUNT}:run/*"}), False),
        (trust("lambda.amazonaws.com"), False),
        (trust(f"arn:aws:iam::{ACCOUNT}:root"), False),
    ],
    ids=["plain", "guarded", "another account", "another region", "another service", "an account"],
)
def test_trust_policies_are_evaluated_with_their_conditions(
    local_aws: LocalAws, document: str, *, trusted: bool, request: pytest.FixtureRequest
) -> None:
    name = request.node.callspec.id.replace(" ", "-")
    arn = new_role(local_aws, name, document, Path="/runs/")
    context = {"aws:SourceAccount": ACCOUNT, "aws:SourceArn": f"{RUNS}1"}

    problem = local_aws.authorizer.trust_problem(arn, context)

    assert (problem is None) is trusted
    # The path is part of the ARN, and the ARN is what a run names.
    assert local_aws.authorizer.trust_problem(arn.replace("/runs/", "/"), context) is not None


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{ACCOUNT}:role/none", "arn:nothing", "arn:aws:iam::1:user/x"])
def test_what_is_no_role_is_not_trusted(local_aws: LocalAws, arn: str) -> None:
    assert local_aws.authorizer.trust_problem(arn, {}) == f"{arn}: the role does not exist"


def test_questions_need_the_secret(local_aws: LocalAws) -> None:
    question = json.dumps({"question": "credential", "access_key_id": "test", "account_id": ACCOUNT}).encode()
    for headers in ({}, {SECRET_HEADER: "guessed"}):
        request = urllib.request.Request(f"{local_aws.url}{PATH}", data=question, headers=headers, method="POST")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=60)
        assert refused.value.code == 403
        assert refused.value.read() == b"{}"
        refused.value.close()


def test_functions_have_the_keys_of_their_role_and_do_not_know_the_secret(local_aws: LocalAws) -> None:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as written:
        written.writestr("index.py", "import os\ndef handler(event, context):\n    return dict(os.environ)\n")
    arn = new_role(local_aws, "function", trust("lambda.amazonaws.com"))
    functions = local_aws.client("lambda")
    functions.create_function(
        FunctionName="environment",
        Runtime="python3.13",
        Handler="index.handler",
        Role=arn,
        Timeout=120,
        Code={"ZipFile": code.getvalue()},
    )

    environment = json.loads(functions.invoke(FunctionName="environment")["Payload"].read())

    assert environment["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert SECRET_VARIABLE not in environment
    assert local_aws.authorizer.secret not in json.dumps(environment)
