"""One case for each rule of HealthOmics that synth can check, and one for each value at the edge that it accepts."""

from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import jsii
import pytest
from aws_cdk import aws_omics as omics

from cdk_healthomics import LogLevel, NetworkingMode, Storage, Workflow
from cdk_healthomics.run_settings import RunSettings
from cdk_healthomics.validation import run_problems, tag_problems
from cdk_healthomics.workflow import SourceRun

TOKEN = "${Token[TOKEN.1]}"
PRIVATE = Workflow.private("1234567")
READY2RUN = Workflow.ready2run("1234567")
DUPLICATE = SourceRun(run_id="1234567")

GOOD = RunSettings(
    workflow=PRIVATE, role_arn="arn:aws:iam::123456789012:role/run", name="a run", output_uri="s3://bucket/prefix"
)


@jsii.implements(cdk.IStableAnyProducer)
class Nothing:
    """Produces a parameter template that nobody can look into at synth."""

    def produce(self) -> dict[str, object]:
        return {}


def static(gib: float) -> Storage:
    return Storage("STATIC", gib)


def problems(**changes: Any) -> list[str]:
    return list(run_problems(replace(GOOD, **changes)))


def test_a_run_with_what_it_needs_has_no_problem() -> None:
    assert problems() == []


REFUSED = [
    # ids
    pytest.param({"workflow": Workflow.private("")}, "the workflow's id is ''", id="workflow id empty"),
    pytest.param({"workflow": Workflow.private("1" * 19)}, "1 to 18 digits", id="workflow id too long"),
    pytest.param({"workflow": Workflow.private("uuid-1")}, "the id and not the uuid", id="workflow uuid"),
    pytest.param({"workflow": Workflow.private("12\n")}, "the workflow's id is '12\\n'", id="workflow id with newline"),
    pytest.param({"workflow": Workflow.private("١٢")}, "1 to 18 digits", id="workflow id in other digits"),
    pytest.param({"workflow": Workflow.shared("1", owner_id="1" * 11)}, "the 12 digits", id="owner id too short"),
    pytest.param({"workflow": Workflow.shared("1", owner_id="1" * 13)}, "the 12 digits", id="owner id too long"),
    pytest.param({"workflow": Workflow.private("1", version_name="")}, "version_name is ''", id="version empty"),
    pytest.param({"workflow": Workflow.private("1", version_name="-v")}, "letter or digit first", id="version begin"),
    pytest.param({"workflow": Workflow.private("1", version_name="v 1")}, "version_name is 'v 1'", id="version space"),
    pytest.param({"workflow": Workflow.private("1", version_name="v" * 65)}, "1 to 64", id="version too long"),
    pytest.param({"workflow": SourceRun(run_id="run-1")}, "run_id is 'run-1'", id="run id"),
    pytest.param({"run_group_id": "group"}, "run_group is 'group'", id="run group id"),
    pytest.param({"run_group_id": "1" * 19}, "run_group is", id="run group id too long"),
    pytest.param({"cache_id": "arn:aws:omics:…"}, "cache is 'arn", id="cache arn"),
    pytest.param({"configuration_name": "_c"}, "configuration is '_c'", id="configuration begin"),
    pytest.param({"configuration_name": "c" * 129}, "1 to 128", id="configuration too long"),
    # name
    pytest.param({"name": ""}, "name has 0 characters: use 1 to 128", id="name empty"),
    pytest.param({"name": "n" * 129}, "name has 129 characters", id="name too long"),
    pytest.param({"name": "two\nlines"}, "U+000A", id="name with newline"),
    pytest.param({"name": "tab\t"}, "U+0009", id="name with tab"),
    pytest.param({"name": "zero\u200bwidth"}, "U+200B", id="name with format character"),
    pytest.param({"name": "\ue000"}, "U+E000", id="name with private use"),
    pytest.param({"name": 5}, "name is 5, a int: give a string", id="name no text"),
    # role
    pytest.param({"role_arn": "role/run"}, "the role's ARN is 'role/run'", id="role arn"),
    pytest.param({"role_arn": "arn:" + "r" * 125}, "has 129 characters", id="role arn too long"),
    # output
    pytest.param({"output_uri": ""}, "outputs go to S3", id="output empty"),
    pytest.param({"output_uri": "bucket/prefix"}, "give s3://bucket/prefix", id="output without scheme"),
    pytest.param({"output_uri": "https://" + TOKEN}, "outputs go to S3", id="output of another scheme"),
    pytest.param({"output_uri": "s3://"}, "without a bucket", id="output without bucket"),
    pytest.param({"output_uri": "s3:///prefix"}, "without a bucket", id="output with empty bucket"),
    pytest.param({"output_uri": "s3://b/" + "x" * 744}, "751 bytes", id="output too long"),
    pytest.param({"output_uri": "s3://b/" + "é" * 372}, "751 bytes", id="output too long in UTF-8"),
    pytest.param({"output_uri": "s3://b/" + "%" * 248}, "751 bytes", id="output too long once escaped"),
    pytest.param({"output_uri": f"s3://{TOKEN}/" + "x" * 745}, "751 bytes", id="output too long beside a token"),
    pytest.param({"output_uri": "s3://b/a\tb"}, "U+0009", id="output with tab"),
    pytest.param({"output_uri": f"s3://{TOKEN}/a\nb"}, "U+000A", id="output with newline beside a token"),
    pytest.param({"output_uri": None}, "output_uri is None", id="output none"),
    # choices
    pytest.param({"cache_id": "1", "cache_behavior": "NEVER"}, "one of CACHE_ON_FAILURE, CACHE_ALWAYS", id="behavior"),
    pytest.param({"log_level": "all"}, "log_level is 'all': use LogLevel, one of OFF, FATAL, ERROR, ALL", id="level"),
    pytest.param({"retention_mode": "KEEP"}, "one of RETAIN, REMOVE", id="retention"),
    pytest.param({"networking_mode": "PUBLIC"}, "one of RESTRICTED, VPC", id="networking"),
    pytest.param({"scratch_storage_mode": "NONE"}, "one of LOCAL, SHARED", id="scratch"),
    pytest.param({"output_uri_prefix_mode": "NONE"}, "one of SERVICE_DEFINED, NONE_WITH_OVERWRITE", id="prefix mode"),
    pytest.param({"on_delete": "KEEP"}, "one of CANCEL, LEAVE, CANCEL_AND_DELETE_RECORD", id="on delete"),
    # numbers
    pytest.param({"priority": -1}, "priority is -1, but HealthOmics takes 0 to 100,000", id="priority negative"),
    pytest.param({"priority": 100_001}, "priority is 100,001", id="priority too high"),
    pytest.param({"priority": 1.5}, "give a whole number", id="priority broken"),
    pytest.param({"priority": True}, "priority is True", id="priority boolean"),
    pytest.param({"priority": "10"}, "priority is '10'", id="priority text"),
    pytest.param({"priority": float("nan")}, "give a whole number", id="priority nan"),
    pytest.param({"storage": static(100_001)}, "storage (GiB) is 100,001", id="capacity too high"),
    pytest.param({"storage": static(-1)}, "storage (GiB) is -1", id="capacity negative"),
    pytest.param({"storage": static(0.5)}, "give a whole number", id="capacity broken"),
    # settings that go together
    pytest.param({"workflow": READY2RUN, "storage": static(1200)}, "its publisher's choice", id="ready2run static"),
    pytest.param({"workflow": READY2RUN, "cache_id": "1"}, "cannot use a run cache", id="ready2run cache"),
    pytest.param({"cache_behavior": "CACHE_ALWAYS"}, "the run has no cache", id="behavior without cache"),
    pytest.param({"networking_mode": "VPC"}, "needs a configuration", id="VPC without configuration"),
    # documents
    pytest.param({"parameters": {"x": float("nan")}}, "parameters['x'] is nan", id="parameter nan"),
    pytest.param({"parameters": {"x": {1: 2}}}, "parameters['x'] has the key 1, a int", id="parameter key"),
    pytest.param({"parameters": {"x": "y" * 49_993}}, "parameters has 50,001 bytes", id="parameters too long"),
    pytest.param({"parameters": {"x": "é" * 24_997}}, "parameters has 50,002 bytes", id="parameters too long in UTF-8"),
    pytest.param(
        {"parameters": {"x": TOKEN + "y" * 49_993}}, "parameters has 50,001", id="parameters too long beside a token"
    ),
    pytest.param({"engine_settings": {"profile": object()}}, "engine_settings['profile'] is a object", id="settings"),
    pytest.param({"session_policy": {"Statement": [b""]}}, "session_policy['Statement'][0] is a bytes", id="policy"),
    pytest.param({"session_policy": {"Statement": "x" * 2035}}, "session_policy has 2051", id="policy too long"),
    pytest.param({"additional": {"x": {1}}}, "additional_start_run_parameters['x'] is a set", id="additional"),
    pytest.param({"additional": {"requestId": "1"}}, "has requestId: the handler derives it", id="request id"),
    pytest.param({"additional": {"tags": {}}}, "has tags: use the tags argument", id="additional tags"),
    pytest.param({"additional": {"name": "n"}}, "has name: use the name argument", id="additional name"),
    pytest.param({"additional": {"roleArn": "n"}}, "has roleArn: use the role argument", id="additional role"),
    pytest.param({"additional": {"outputUri": "n"}}, "use the output_uri argument", id="additional output"),
    pytest.param({"additional": {"workflowId": "1"}}, "use the workflow argument", id="additional workflow"),
    pytest.param({"additional": {"workflowOwnerId": "1"}}, "use Workflow.shared", id="additional owner"),
    pytest.param({"additional": {"runId": "1"}}, "use WorkflowRun.duplicate", id="additional run id"),
    pytest.param({"rerun_on": 3}, "rerun_on is 3, a int: give a string", id="rerun_on no text"),
    pytest.param({"tags": {"aws:x": "1"}}, "begins with aws:", id="tags"),
    # beside tokens, what is known
    pytest.param({"name": f"a\n{TOKEN}"}, "U+000A", id="name with newline beside a token"),
    pytest.param({"name": "n" * 129 + TOKEN}, "name has 129 characters", id="name too long beside a token"),
    pytest.param({"workflow": Workflow.private(f"abc{TOKEN}")}, "the workflow's id is 'abc", id="id beside a token"),
    pytest.param({"run_group_id": f"{TOKEN}x"}, "run_group is", id="run group beside a token"),
    pytest.param({"role_arn": TOKEN + "r" * 129}, "has 129 characters", id="role arn too long beside a token"),
    pytest.param({"output_uri": f"s3://a b{TOKEN}/p"}, "cannot be the name of a bucket", id="bucket beside a token"),
    # what the factories would not make
    pytest.param({"storage": Storage("BOGUS")}, "storage is 'BOGUS': use Storage.dynamic()", id="storage type"),
    pytest.param(
        {"workflow": Workflow(workflow_id="1", workflow_type="READY_2_RUN")}, "one of PRIVATE, READY2RUN", id="type"
    ),
    pytest.param({"output_uri": "s3://UPPER_case bucket!/p"}, "cannot be the name of a bucket", id="bucket name"),
    pytest.param({"output_uri": "s3://b?x=1/p"}, "'b?x=1' cannot be the name", id="bucket with a query"),
    pytest.param({"priority": 10**400}, "priority is beyond 1,000,000,000,000,000", id="priority huge"),
    pytest.param({"on_delete": TOKEN}, "on_delete is a token", id="on_delete token"),
    # copies
    pytest.param(
        {"workflow": SourceRun(run_id="1", workflow=Workflow.shared("1", owner_id="210987654321"))},
        "does not duplicate runs",
        id="copy of a shared workflow",
    ),
    pytest.param(
        {"workflow": SourceRun(run_id="1", workflow=READY2RUN), "storage": static(1200)},
        "its publisher's choice",
        id="copy of ready2run static",
    ),
    pytest.param(
        {"workflow": SourceRun(run_id="1", workflow=READY2RUN), "cache_id": "1"},
        "cannot use a run cache",
        id="copy of ready2run cache",
    ),
    pytest.param(
        {"workflow": SourceRun(run_id="1", workflow=Workflow.private("x"))}, "id is 'x'", id="copy's workflow"
    ),
    # engine settings
    pytest.param(
        {"engine_settings": {"engineVersion": 25.10}}, "is 25.1, a float: give a string", id="version as a number"
    ),
    # the escape hatch
    pytest.param(
        {"additional": {"workflowType": "READY2RUN"}}, "use Workflow.private or Workflow.ready2run", id="kind"
    ),
    pytest.param({"additional": {"cacheId": 5}}, "cacheId of additional_start_run_parameters is 5, a int", id="cache"),
    pytest.param(
        {"workflow": READY2RUN, "additional": {"cacheId": "5"}},
        "cannot use a run cache",
        id="ready2run additional cache",
    ),
    pytest.param({"session_policy": {}}, "session_policy has no statement", id="policy of nothing"),
]


@pytest.mark.parametrize(("changes", "expected"), REFUSED)
def test_what_healthomics_would_refuse_is_one_problem(changes: dict[str, Any], expected: str) -> None:
    (problem,) = problems(**changes)

    assert expected in problem
    assert not problem.endswith(".")
    assert problem[0].islower()


ACCEPTED = [
    pytest.param({"workflow": Workflow.private("0")}, id="shortest id"),
    pytest.param({"workflow": Workflow.private("9" * 18, version_name="9" * 64)}, id="longest id and version"),
    pytest.param({"workflow": Workflow.private("1", version_name="a-b.c_D")}, id="version punctuation"),
    pytest.param({"workflow": Workflow.shared("1", owner_id="0" * 12)}, id="owner"),
    pytest.param(
        {"workflow": Workflow.ready2run("1", version_name="v1"), "storage": Storage.dynamic()}, id="ready2run"
    ),
    pytest.param({"name": "n" * 128}, id="longest name"),
    pytest.param({"name": "名前 ñ ½ € \u0301"}, id="name with letters, marks, spaces, symbols, digits"),
    pytest.param({"name": "\u0378"}, id="name with a character that this Python does not know yet"),
    pytest.param({"role_arn": "arn:" + "r" * 124}, id="longest role arn"),
    pytest.param({"output_uri": "s3://b"}, id="bucket without prefix"),
    pytest.param({"output_uri": "s3://b/" + "x" * 743}, id="longest output"),
    pytest.param({"output_uri": "s3://b/a b/"}, id="output with space and slash"),
    pytest.param({"output_uri": TOKEN}, id="output token"),
    pytest.param({"output_uri": f"s3://{TOKEN}/p"}, id="bucket token"),
    pytest.param({"priority": 0}, id="lowest priority"),
    pytest.param({"priority": 100_000}, id="highest priority"),
    pytest.param({"priority": 7.0}, id="whole float"),
    pytest.param({"output_uri": "s3://Legacy_Bucket/p"}, id="bucket of before 2018"),
    pytest.param({"name": "n" * 128 + TOKEN}, id="longest name beside a token"),
    pytest.param({"workflow": Workflow.private(f"{TOKEN}12")}, id="id beside a token"),
    pytest.param({"workflow": SourceRun(run_id="1", workflow=READY2RUN)}, id="copy of ready2run"),
    pytest.param({"storage": static(0)}, id="smallest capacity"),
    pytest.param({"storage": static(100_000)}, id="largest capacity"),
    pytest.param({"storage": Storage.static()}, id="static without capacity"),
    pytest.param({"log_level": LogLevel.FATAL}, id="enumeration"),
    pytest.param({"log_level": "FATAL"}, id="text of an enumeration"),
    pytest.param({"networking_mode": NetworkingMode.VPC, "configuration_name": "c" * 128}, id="VPC"),
    pytest.param({"cache_behavior": "CACHE_ALWAYS", "additional": {"cacheId": "1"}}, id="cache by the escape hatch"),
    pytest.param({"networking_mode": "VPC", "additional": {"configurationName": "c"}}, id="VPC by the escape hatch"),
    pytest.param({"workflow": DUPLICATE, "cache_behavior": "CACHE_ALWAYS"}, id="duplicate copies the cache"),
    pytest.param({"workflow": DUPLICATE, "networking_mode": "VPC"}, id="duplicate copies the configuration"),
    pytest.param({"parameters": {"x": "y" * 49_992}}, id="longest parameters"),
    pytest.param({"parameters": {}}, id="no parameters"),
    pytest.param({"parameters": {"x": [None, True, 2**70, -1.5, "", {"é\n": ()}]}}, id="every JSON type"),
    pytest.param({"engine_settings": {"engineVersion": "99.99"}}, id="engine of the future"),
    pytest.param({"session_policy": {"Statement": "x" * 2032}}, id="longest policy"),
    pytest.param({"session_policy": {"Statement": TOKEN + "x" * 2032}}, id="policy with token"),
    pytest.param({"additional": {"logLevel": "NEW", "futureMember": {"a": [1]}}}, id="members of the future"),
    pytest.param({"tags": {"k" * 128: "v" * 256, "e": ""}}, id="longest tag"),
]


@pytest.mark.parametrize("changes", ACCEPTED)
def test_what_healthomics_accepts_is_no_problem(changes: dict[str, Any]) -> None:
    assert problems(**changes) == []


@pytest.mark.parametrize(
    "field",
    ["role_arn", "name", "output_uri", "output_uri_prefix_mode", "scratch_storage_mode", "run_group_id", "cache_id",
     "cache_behavior", "log_level", "retention_mode", "networking_mode", "configuration_name", "rerun_on"],
)  # fmt: skip
def test_what_only_the_deployment_knows_is_passed_over(field: str) -> None:
    assert problems(**{"cache_id": "1", field: TOKEN}) == []


def test_number_tokens_are_passed_over() -> None:
    number = cdk.Token.as_number({"Ref": "Number"})

    assert problems(priority=number, storage=static(number), parameters={"n": number}) == []


def test_all_problems_are_reported_at_once() -> None:
    assert len(problems(name="", priority=-1, log_level="x", parameters={"a": {1}, "b": float("inf")})) == 5


def workflow(**entries: Any) -> Workflow:
    stack = cdk.Stack()
    template = entries or None
    return Workflow.from_ref(omics.CfnWorkflow(stack, "Workflow", parameter_template=template))


ENTRY = omics.CfnWorkflow.WorkflowParameterProperty
TEMPLATE = {"reads": ENTRY(), "sample": {"description": "id"}, "threads": ENTRY(optional=True)}


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        pytest.param({"reads": 1}, "parameters lacks sample, which", id="one missing"),
        pytest.param(None, "parameters lacks reads, sample, which", id="none given"),
        pytest.param({"reads": 1, "sample": 2, "sampel": 3}, "parameters has sampel, which", id="unknown"),
    ],
)
def test_parameters_must_fit_the_template_of_a_workflow_in_the_app(parameters: Any, expected: str) -> None:
    (problem,) = problems(workflow=workflow(**TEMPLATE), parameters=parameters)

    assert expected in problem


def test_optional_parameters_may_be_left_out() -> None:
    fitting = workflow(**TEMPLATE)

    assert problems(workflow=fitting, parameters={"reads": 1, "sample": 2}) == []
    assert problems(workflow=fitting, parameters={"reads": 1, "sample": 2, "threads": 3}) == []


def test_whether_a_parameter_is_optional_may_be_known_to_the_deployment_only() -> None:
    maybe = cdk.Token.as_any({"Ref": "Optional"})

    assert problems(workflow=workflow(a=ENTRY(optional=maybe)), parameters={}) == []
    assert problems(workflow=workflow(a=maybe), parameters={}) == []


def test_parameters_without_a_known_template_are_not_checked() -> None:
    stack = cdk.Stack()
    token = cdk.Lazy.any(Nothing())
    lazily = omics.CfnWorkflow(stack, "Lazily", parameter_template=token)
    plain = omics.CfnWorkflow(stack, "Plain", parameter_template=TEMPLATE)

    assert problems(workflow=workflow(), parameters={"any": 1}) == []
    assert problems(workflow=Workflow.from_ref(lazily), parameters={"any": 1}) == []
    assert problems(workflow=Workflow.from_ref(plain, version_name="v1"), parameters={"any": 1}) == []
    assert problems(workflow=Workflow.from_ref(plain), additional={"parameters": {"any": 1}}) == []


def test_a_version_has_a_template_of_its_own() -> None:
    version = omics.CfnWorkflowVersion(
        cdk.Stack(), "V", version_name="v", workflow_id="1", parameter_template={"a": {"optional": False}}
    )

    (problem,) = problems(workflow=Workflow.from_version_ref(version))

    assert "parameters lacks a" in problem


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        pytest.param({"": "x"}, "has 0 characters: use 1 to 128", id="empty key"),
        pytest.param({"k" * 129: "x"}, "has 129 characters", id="long key"),
        pytest.param({"k": "v" * 257}, "the value of the tag 'k' has 257 characters", id="long value"),
        pytest.param({"aws:k": "v"}, "begins with aws:", id="aws"),
        pytest.param({"k": 1}, "the value of the tag 'k' is 1, a int: give a string", id="value type"),
        pytest.param({1: "v"}, "a tag key is 1, a int", id="key type"),
        pytest.param({"AWS:k": "v"}, "begins with aws:", id="AWS"),
        pytest.param({"cdk-healthomics:spec": "v"}, "which the handler keeps for itself", id="ledger"),
        pytest.param({str(n): "" for n in range(39)}, "the run has 39 tags, but at most 38 are free", id="too many"),
    ],
)
def test_tags_that_healthomics_or_the_handler_would_refuse(tags: dict[str, str], expected: str) -> None:
    (problem,) = tag_problems(tags)

    assert expected in problem


def test_as_many_tags_as_the_ledger_leaves_free_are_accepted() -> None:
    assert list(tag_problems({str(n): "v" for n in range(38)})) == []
    assert list(tag_problems({TOKEN: "v", "k": TOKEN + "v" * 256})) == []
