"""What templates of other stacks say of a run: weakly by default, with a name that changes when the run is replaced."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_omics as omics
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm
from aws_cdk import cx_api
from constructs import Construct

from cdk_healthomics import OnDelete, Workflow, WorkflowRun
from template.support import (
    ACCOUNT,
    PROVIDER,
    REGION,
    RUN_TYPE,
    annotations,
    app_of,
    infos,
    new_stack,
    resources,
    statements,
    the,
    warnings,
)

pytestmark = pytest.mark.slow

OTHER_ACCOUNT = "210987654321"
DIGEST = re.compile(r"[0-9a-f]{12}$")
STRENGTH = cdk.ReferenceStrength
Template = Mapping[str, Any]


def run_in(scope: Construct, construct_id: str = "Run", **arguments: Any) -> WorkflowRun:
    defaults: dict[str, Any] = {"workflow": Workflow.private("1"), "output_uri": "s3://b", "outputs": False}
    return WorkflowRun(scope, construct_id, **(defaults | arguments))


def beside(stack: cdk.Stack, name: str = "Consumer", *, account: str = ACCOUNT, region: str = REGION) -> cdk.Stack:
    return cdk.Stack(app_of(stack), name, env=cdk.Environment(account=account, region=region))


def copy(scope: Construct, value: str, construct_id: str = "Copy") -> None:
    ssm.StringParameter(scope, construct_id, string_value=value)


def copied(template: Template) -> Any:
    """The value of the only parameter."""
    return the(template, "AWS::SSM::Parameter")[1]["Properties"]["Value"]


def templates(stack: cdk.Stack) -> tuple[cx_api.CloudAssembly, dict[str, Template]]:
    assembly = app_of(stack).synth()
    return assembly, {artifact.id: artifact.template for artifact in assembly.stacks}


def depends_on(assembly: cx_api.CloudAssembly, stack: str) -> list[str]:
    return [each.id for each in assembly.get_stack_artifact(stack).dependencies if not each.id.endswith(".assets")]


def test_all_attributes_are_weak_references_in_any_position() -> None:
    producer = new_stack("Producer")
    consumer = beside(producer)
    run = run_in(producer)
    values = [run.run_arn, run.run_id, run.run_uuid, run.run_output_uri, run.run_status]
    for number, value in enumerate(values):
        copy(consumer, value, f"Copy{number}")
    run_in(consumer, parameters={"reads": f"{run.run_output_uri}/out/reads.fq.gz", "of": run.run_id})
    assembly, found = templates(producer)
    outputs = found["Producer"]["Outputs"]
    logical_id, _ = the(found["Producer"], RUN_TYPE)
    weak = {
        DIGEST.sub("", name): {"Fn::GetStackOutput": {"StackName": "Producer", "OutputName": name}} for name in outputs
    }

    assert {DIGEST.sub("", name): output["Value"] for name, output in outputs.items()} == {
        f"Run{attribute}": {"Fn::GetAtt": [logical_id, attribute]}
        for attribute in ("RunArn", "RunId", "RunUuid", "RunOutputUri", "RunStatus")
    }
    assert not [output for output in outputs.values() if "Export" in output]
    assert [each["Properties"]["Value"] for each in resources(found["Consumer"], "AWS::SSM::Parameter").values()] == [
        weak[f"Run{attribute}"] for attribute in ("RunArn", "RunId", "RunUuid", "RunOutputUri", "RunStatus")
    ]
    assert the(found["Consumer"], RUN_TYPE)[1]["Properties"]["Parameters"] == {
        "Fn::Join": [
            "",
            ['{"of": "', weak["RunRunId"], '", "reads": "', weak["RunRunOutputUri"], '/out/reads.fq.gz"}'],
        ]
    }
    assert depends_on(assembly, "Consumer") == ["Producer"]


def test_an_app_without_a_strength_of_references_gets_no_warning() -> None:
    """The CDK warns of references whose strength nobody has set; that of a run's is set."""
    producer = new_stack("Producer")
    run = run_in(producer)
    for consumer in (beside(producer), beside(producer, "Abroad", region="eu-west-1")):
        copy(consumer, run.run_arn)
    copy(beside(producer, "Foreign", account=OTHER_ACCOUNT), run.run_arn)

    assert warnings(producer) == annotations(producer, "error") == []


def test_the_cdk_still_warns_of_references_that_are_not_to_a_run() -> None:
    producer = new_stack("Producer")
    consumer = beside(producer)
    copy(consumer, run_in(producer).run_arn)
    copy(consumer, cdk.CfnResource(producer, "Other", type="Custom::Other").get_att("Arn").to_string(), "Other")

    assert ["crossStackReferencesDefaultStrong" in warning for warning in warnings(producer)] == [True]


def test_the_transition_of_an_app_does_not_make_the_references_strong() -> None:
    producer = new_stack("Producer", context={"@aws-cdk/core:defaultCrossStackReferences": "both"})
    copy(beside(producer), run_in(producer).run_arn)
    _, found = templates(producer)

    assert not [output for output in found["Producer"]["Outputs"].values() if "Export" in output]
    assert warnings(producer) == []


def test_a_stack_of_another_region_says_where_the_run_is() -> None:
    producer = new_stack("Producer")
    copy(beside(producer, region="eu-west-1"), run_in(producer).run_arn)
    assembly, found = templates(producer)
    (output,) = found["Producer"]["Outputs"]

    assert copied(found["Consumer"]) == {
        "Fn::GetStackOutput": {"StackName": "Producer", "Region": REGION, "OutputName": output}
    }
    assert depends_on(assembly, "Consumer") == ["Producer"]


def test_stacks_of_other_accounts_assume_a_role_that_reads_the_outputs() -> None:
    producer = new_stack("Producer")
    run = run_in(producer)
    consumer = beside(producer, account=OTHER_ACCOUNT)
    copy(consumer, run.run_arn)
    copy(consumer, run.run_id, "Id")
    copy(beside(producer, "Third", account="333333333333", region="eu-west-1"), run.run_arn)
    assembly, found = templates(producer)
    (role_id,) = [name for name in resources(found["Producer"], "AWS::IAM::Role") if "OutputReader" in name]
    role = found["Producer"]["Resources"][role_id]["Properties"]
    (policy,) = [
        each["Properties"]["PolicyDocument"]["Statement"]
        for each in resources(found["Producer"], "AWS::IAM::Policy").values()
        if each["Properties"]["Roles"] == [{"Ref": role_id}]
    ]
    trusted = [each["Principal"]["AWS"]["Fn::Join"][1][2] for each in role["AssumeRolePolicyDocument"]["Statement"]]
    references = [
        each["Properties"]["Value"]["Fn::GetStackOutput"]
        for name in ("Consumer", "Third")
        for each in resources(found[name], "AWS::SSM::Parameter").values()
    ]

    assert trusted == [
        f":iam::{OTHER_ACCOUNT}:role/cdk-hnb659fds-cfn-exec-role-{OTHER_ACCOUNT}-{REGION}",
        ":iam::333333333333:role/cdk-hnb659fds-cfn-exec-role-333333333333-eu-west-1",
    ]
    assert [(each["Action"], each["Resource"]["Fn::Join"][1][2]) for each in policy] == [
        ("cloudformation:DescribeStacks", f":cloudformation:{REGION}:{ACCOUNT}:stack/Producer/*")
    ]
    assert [each.get("Region") for each in references] == [None, None, REGION]
    arns = [each["RoleArn"]["Fn::Join"][1][2] for each in references]
    assert arns == [f":iam::{ACCOUNT}:role/{role['RoleName']}"] * 3
    assert depends_on(assembly, "Consumer") == depends_on(assembly, "Third") == ["Producer"]


@pytest.mark.parametrize(
    ("of_app", "of_stack"),
    [
        pytest.param(None, cdk.DefaultStackSynthesizer, id="of the stack"),
        pytest.param(None, lambda: cdk.DefaultStackSynthesizer(qualifier="abc"), id="with a qualifier"),
        pytest.param(cdk.DefaultStackSynthesizer, lambda: None, id="of the app"),
    ],
)
def test_a_synthesizer_that_was_given_tells_no_role_so_likely_names_are_trusted(
    of_app: Callable[[], cdk.IReusableStackSynthesizer] | None,
    of_stack: Callable[[], cdk.IStackSynthesizer | None],
) -> None:
    app = cdk.App(default_stack_synthesizer=of_app() if of_app else None)
    producer = cdk.Stack(app, "Producer", env=cdk.Environment(account=ACCOUNT, region=REGION))
    run = run_in(producer)
    for name, region in {"Consumer": REGION, "Abroad": "eu-west-1"}.items():
        env = cdk.Environment(account=OTHER_ACCOUNT, region=region)
        copy(cdk.Stack(app, name, env=env, synthesizer=of_stack()), run.run_arn)
    _, found = templates(producer)
    (role,) = [each for name, each in resources(found["Producer"], "AWS::IAM::Role").items() if "OutputReader" in name]
    trust = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]

    assert [each["Principal"]["AWS"]["Fn::Join"][1][2] for each in trust] == [f":iam::{OTHER_ACCOUNT}:root"] * 2
    assert [each["Condition"]["ArnLike"]["aws:PrincipalArn"]["Fn::Join"][1][2] for each in trust] == [
        f":iam::{OTHER_ACCOUNT}:role/cdk-*-cfn-exec-role-{OTHER_ACCOUNT}-{region}" for region in (REGION, "eu-west-1")
    ]
    assert [each for each in infos(producer) if "crossAccountReaderByName" in each]


def test_a_run_in_a_nested_stack_is_referred_to_by_an_output_of_the_outermost() -> None:
    """Nested on either side; the CDK would make an export of it."""
    producer = new_stack("Producer")
    inner = cdk.NestedStack(cdk.NestedStack(producer, "Outer"), "Inner")
    run = run_in(inner)
    consumer = beside(producer)
    nested = cdk.NestedStack(consumer, "Nested")
    copy(consumer, run.run_arn)
    copy(nested, run.run_arn)
    copy(producer, run.run_arn)
    assembly, found = templates(producer)
    ((name, output),) = found["Producer"]["Outputs"].items()

    assert name.startswith("OuterInnerRunRunArn")
    assert "Outputs.ProducerOuterInnerRun" in output["Value"]["Fn::GetAtt"][1]
    reference = {"Fn::GetStackOutput": {"StackName": "Producer", "OutputName": name}}
    assert copied(found["Consumer"]) == copied(cdk.assertions.Template.from_stack(nested).to_json()) == reference
    assert "Fn::GetAtt" in copied(found["Producer"])
    assert depends_on(assembly, "Consumer") == ["Producer"]


def test_runs_with_the_same_path_in_two_nested_stacks_have_two_outputs() -> None:
    producer = new_stack("Producer")
    consumer = beside(producer)
    for name in ("One", "Two"):
        copy(consumer, run_in(cdk.NestedStack(producer, name), name="same").run_arn, name)
    _, found = templates(producer)

    assert sorted(DIGEST.sub("", name) for name in found["Producer"]["Outputs"]) == ["OneRunRunArn", "TwoRunRunArn"]


def test_stacks_that_nobody_has_given_a_place_are_taken_for_one_place() -> None:
    producer = new_stack("Producer", with_env=False)
    consumer = cdk.Stack(app_of(producer), "Consumer")
    copy(consumer, run_in(producer).run_arn)
    _, found = templates(producer)

    assert set(copied(found["Consumer"])["Fn::GetStackOutput"]) == {"StackName", "OutputName"}


@pytest.mark.parametrize(
    ("consumer", "message"),
    [
        pytest.param(
            lambda app: cdk.Stack(app, "Consumer"),
            "Consumer refers to Producer/Run, and they may be in different accounts or Regions: give both stacks",
            id="of unknown place",
        ),
        pytest.param(
            lambda app: cdk.Stack(
                app,
                "Consumer",
                env=cdk.Environment(account=OTHER_ACCOUNT, region=REGION),
                synthesizer=cdk.LegacyStackSynthesizer(),
            ),
            "Consumer refers to a run of Producer, in another account, but its synthesizer names no role",
            id="without a role of CloudFormation",
        ),
        pytest.param(
            lambda app: cdk.Stack(cdk.Stage(app, "Stage"), "Consumer"),
            "dependency cannot cross stage boundaries",
            id="in another stage",
        ),
    ],
)
def test_a_reference_that_cannot_be_fails(consumer: Callable[[cdk.App], cdk.Stack], message: str) -> None:
    producer = new_stack("Producer")
    copy(consumer(app_of(producer)), run_in(producer).run_arn)

    with pytest.raises(RuntimeError, match=message):
        app_of(producer).synth()


@pytest.mark.parametrize(
    ("use", "message"),
    [
        pytest.param(
            lambda stack, arn: cdk.CfnOutput(stack, "Use", value=arn, export_name="arn"),
            "Consumer/Use is a reference to another stack, but .* in an output: define the output in the stack of",
            id="output",
        ),
        pytest.param(
            lambda stack, arn: cdk.CfnCondition(stack, "Use", expression=cdk.Fn.condition_equals(arn, "x")),
            "Consumer/Use is a reference to another stack, but .* in a condition: make the condition depend",
            id="condition",
        ),
    ],
)
def test_a_reference_where_cloudformation_takes_none_fails(
    use: Callable[[cdk.Stack, str], object], message: str
) -> None:
    producer = new_stack("Producer")
    use(beside(producer), run_in(producer).run_arn)

    with pytest.raises(RuntimeError, match=message):
        app_of(producer).synth()


def test_an_output_may_have_a_reference_among_other_text() -> None:
    producer = new_stack("Producer")
    cdk.CfnOutput(beside(producer), "Use", value=f"run {run_in(producer).run_id}")

    assert "Fn::Join" in templates(producer)[1]["Consumer"]["Outputs"]["Use"]["Value"]


def test_stacks_that_need_each_others_runs_fail() -> None:
    producer = new_stack("Producer")
    consumer = beside(producer)
    second = run_in(consumer, parameters={"of": run_in(producer).run_id})
    run_in(producer, "Third", parameters={"of": second.run_id})

    with pytest.raises(RuntimeError, match="'Producer' depends on 'Consumer'"):
        app_of(producer).synth()


def name_after(define: Callable[[cdk.Stack], WorkflowRun]) -> str:
    """Name of the output that another stack reads, for a run that is defined in an app of its own."""
    producer = new_stack("Producer")
    copy(beside(producer), define(producer).run_arn)
    return str(copied(templates(producer)[1]["Consumer"])["Fn::GetStackOutput"]["OutputName"])


def test_the_name_changes_when_and_only_when_the_run_does() -> None:
    def name_with(**arguments: Any) -> str:
        return name_after(lambda stack: run_in(stack, **({"parameters": {"a": 1}} | arguments)))

    before = name_with()
    others = [name_with(rerun_on="2"), name_with(parameters={"a": 2}), name_with(priority=1), name_with(name="n")]

    assert [name_with(), name_with(tags={"cohort": "7"}), name_with(on_delete=OnDelete.LEAVE)] == [before] * 3
    assert len({before, *others}) == 5


@pytest.mark.parametrize("nested", [None, "first", "second"])
def test_the_name_changes_when_a_run_is_replaced_because_another_one_is(nested: str | None) -> None:
    """The second run has the first one's id among its parameters; its own text in the template is the same."""

    def name_with(rerun_on: str) -> str:
        def chain(stack: cdk.Stack) -> WorkflowRun:
            inner = cdk.NestedStack(stack, "Nested")
            first = run_in(inner if nested == "first" else stack, "First", rerun_on=rerun_on)
            second = run_in(inner if nested == "second" else stack, "Second", parameters={"of": first.run_id})
            return run_in(stack, parameters={"of": second.run_id})

        return name_after(chain)

    before = name_with("1")

    assert name_with("1") == before
    assert name_with("2") != before


def of_imported(run: WorkflowRun) -> str:
    return WorkflowRun.from_run_attributes(cdk.Stack.of(run), "Imported", run_arn=run.run_arn).run_id


def of_parameter(run: WorkflowRun) -> str:
    return ssm.StringParameter(cdk.Stack.of(run), "Parameter", string_value=run.run_id).string_value


def of_topic(run: WorkflowRun) -> str:
    return sns.Topic(cdk.Stack.of(run), "Topic", topic_name=cdk.Fn.join("-", ["of", run.run_id])).topic_arn


def of_logical_id(run: WorkflowRun) -> str:
    stack = cdk.Stack.of(run)
    assert run.node.default_child is not None
    logical_id = stack.get_logical_id(run.node.default_child.node.default_child)
    return cdk.Fn.sub(f"${{{logical_id}.RunArn}}")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(lambda run: f"{run.run_output_uri}/out", id="text around it"),
        pytest.param(lambda run: cdk.Fn.join("/", [run.run_output_uri, "out"]), id="join"),
        pytest.param(lambda run: cdk.Fn.select(1, cdk.Fn.split("/", run.run_arn)), id="split"),
        pytest.param(lambda run: cdk.Fn.sub("${Id}/x", {"Id": run.run_id}), id="sub with values"),
        pytest.param(lambda run: cdk.Stack.of(run).to_json_string({"of": run.run_id}), id="JSON"),
        pytest.param(of_imported, id="imported"),
        pytest.param(of_parameter, id="by a parameter"),
        pytest.param(of_topic, id="by the name of something"),
    ],
)
@pytest.mark.parametrize("nested", [False, True], ids=["", "nested"])
def test_the_name_changes_however_the_other_run_is_referred_to(
    value: Callable[[WorkflowRun], str],
    nested: bool,  # noqa: FBT001
) -> None:
    def name_with(rerun_on: str) -> str:
        def chain(stack: cdk.Stack) -> WorkflowRun:
            given = value(run_in(stack, "First", rerun_on=rerun_on))
            return run_in(cdk.NestedStack(stack, "Nested") if nested else stack, parameters={"x": given})

        return name_after(chain)

    before = name_with("1")

    assert name_with("1") == before
    assert name_with("2") != before


def test_the_name_changes_when_the_other_run_is_referred_to_by_its_logical_id() -> None:
    def name_with(rerun_on: str) -> str:
        return name_after(
            lambda stack: run_in(stack, parameters={"x": of_logical_id(run_in(stack, "First", rerun_on=rerun_on))})
        )

    assert name_with("1") != name_with("2")


def test_the_name_stays_when_parameters_are_written_in_another_order() -> None:
    def name_with(*keys: str) -> str:
        def define(stack: cdk.Stack) -> WorkflowRun:
            others = {key: run_in(stack, key).run_id for key in ("a", "b")}
            return run_in(stack, parameters={key: others[key] for key in keys})

        return name_after(define)

    assert name_with("a", "b") == name_with("b", "a")


@pytest.mark.parametrize(
    ("layers", "width"), [pytest.param(150, 1, id="a long chain"), pytest.param(16, 2, id="a deep net")]
)
def test_many_runs_that_refer_to_each_other_take_no_time_and_no_stack(layers: int, width: int) -> None:
    """A name that is computed anew along each way through the net would take years: there are 2 to the 16th."""

    def net(stack: cdk.Stack) -> WorkflowRun:
        role = iam.Role.from_role_arn(stack, "Role", f"arn:aws:iam::{ACCOUNT}:role/run")
        layer: list[WorkflowRun] = []
        for number in range(layers):
            parameters = {f"p{index}": run.run_id for index, run in enumerate(layer)}
            layer = [run_in(stack, f"R{number}x{side}", role=role, parameters=parameters) for side in range(width)]
        return layer[0]

    assert name_after(net)


@pytest.mark.parametrize("place", ["same stack", "another stack"])
def test_the_name_changes_with_the_definition_of_the_workflow(place: str) -> None:
    def name_with(**definition: Any) -> str:
        def define(stack: cdk.Stack) -> WorkflowRun:
            scope = stack if place == "same stack" else beside(stack, "Definitions")
            workflow = omics.CfnWorkflow(scope, "Workflow", **({"definition_uri": "s3://w/1.zip"} | definition))
            return run_in(stack, workflow=Workflow.from_ref(workflow))

        return name_after(define)

    before = name_with()

    assert name_with(definition_uri="s3://w/2.zip") != before
    # Which keeps the workflow, and so the run.
    assert name_with(description="of germlines") == before


def test_the_name_before_the_app_is_complete_is_that_in_the_template() -> None:
    producer = new_stack("Producer")
    workflow = omics.CfnWorkflow(beside(producer, "Definitions"), "Workflow")
    run = run_in(producer, workflow=Workflow.from_ref(workflow))
    consumer = beside(producer)
    early: Mapping[str, Mapping[str, str]] = consumer.resolve(run.run_arn)
    copy(consumer, run.run_arn)
    _, found = templates(producer)

    assert list(found["Producer"]["Outputs"]) == [early["Fn::GetStackOutput"]["OutputName"]]


def test_a_workflow_of_another_stack_has_a_name_that_changes_with_it() -> None:
    """So the run's stack is deployed when its workflow is replaced, without a ``rerun_on``."""
    found: list[str] = []
    for definition in ("s3://w/1.zip", "s3://w/1.zip", "s3://w/2.zip"):
        runs = new_stack("Runs")
        workflow = omics.CfnWorkflow(cdk.NestedStack(beside(runs, "Definitions"), "In"), "W", definition_uri=definition)
        run_in(runs, workflow=Workflow.from_ref(workflow))
        run_in(runs, "Second", workflow=Workflow.from_ref(workflow))
        assert warnings(runs) == []
        template = templates(runs)[1]["Runs"]
        (name, other) = (
            each["Properties"]["WorkflowId"]["Fn::GetStackOutput"]["OutputName"]
            for each in resources(template, RUN_TYPE).values()
        )
        assert name == other
        found.append(name)

    assert found[0] == found[1] != found[2]


def test_a_second_synth_of_the_app_says_the_same() -> None:
    producer = new_stack("Producer")
    copy(beside(producer), run_in(producer).run_arn)

    first = templates(producer)[1]

    assert cdk.App.synth(app_of(producer), force=True).get_stack_artifact("Consumer").template == first["Consumer"]


def test_strong_on_request_is_an_export() -> None:
    producer = new_stack("Producer")
    run = run_in(producer, reference_strength=STRENGTH.STRONG)
    consumer = beside(producer)
    copy(consumer, run.run_arn)
    assembly, found = templates(producer)
    (output,) = found["Producer"]["Outputs"].values()

    assert copied(found["Consumer"]) == {"Fn::ImportValue": output["Export"]["Name"]}
    assert depends_on(assembly, "Consumer") == ["Producer"]
    assert warnings(producer) == []


def test_both_is_the_way_from_strong_to_weak() -> None:
    """The export stays until the other stacks read the output."""
    producer = new_stack("Producer")
    copy(beside(producer), run_in(producer, reference_strength=STRENGTH.BOTH).run_arn)
    _, found = templates(producer)
    exports = {name: "Export" in output for name, output in found["Producer"]["Outputs"].items()}

    assert sorted(exports.values()) == [False, True]
    assert exports[copied(found["Consumer"])["Fn::GetStackOutput"]["OutputName"]] is False
    assert warnings(producer) == []


def test_strong_in_another_region_is_left_to_the_cdk() -> None:
    producer = new_stack("Producer", context={"@aws-cdk/core:defaultCrossStackReferences": "weak"})
    run = run_in(producer, reference_strength=STRENGTH.STRONG)
    copy(beside(producer, region="eu-west-1"), run.run_arn)
    _, found = templates(producer)

    assert resources(found["Producer"], "Custom::CrossRegionExportWriter")
    assert copied(found["Consumer"])["Fn::GetAtt"][0] in resources(found["Consumer"], "Custom::CrossRegionExportReader")


def test_strong_in_another_account_is_weak_with_a_warning() -> None:
    producer = new_stack("Producer")
    run = run_in(producer, reference_strength=STRENGTH.STRONG)
    copy(beside(producer, account=OTHER_ACCOUNT), run.run_arn)
    (warning,) = warnings(producer)

    assert "reference_strength is STRONG, but references from another account are always weak" in warning
    assert "crossAccountReferencesAreWeak" in warning


def test_one_consumer_can_be_strong() -> None:
    """By the resource, whose references are the CDK's."""
    producer = new_stack("Producer")
    run = run_in(producer)
    resource = run.node.default_child
    assert isinstance(resource, cdk.CustomResource)
    copy(beside(producer), cdk.Stack.consume_reference(resource.get_att_string("RunArn"), STRENGTH.STRONG))
    copy(beside(producer, "Weak"), run.run_arn)
    _, found = templates(producer)

    assert "Fn::ImportValue" in copied(found["Consumer"])
    assert "Fn::GetStackOutput" in copied(found["Weak"])


def test_a_value_can_be_exported_by_hand() -> None:
    producer = new_stack("Producer")
    run = run_in(producer)
    producer.export_value(run.run_arn)
    _, found = templates(producer)
    (output,) = found["Producer"]["Outputs"].values()

    assert output["Value"] == {"Fn::GetAtt": [the(found["Producer"], RUN_TYPE)[0], "RunArn"]}
    assert "Export" in output


@pytest.mark.parametrize(
    "arguments", [{"outputs": True, "export_name_prefix": "p"}, {"reference_strength": STRENGTH.STRONG}]
)
def test_exports_come_with_advice(arguments: dict[str, Any]) -> None:
    held, free = new_stack(), new_stack()
    run_in(held, **arguments)
    run_in(free, outputs=True)

    (info,) = (each for each in infos(held) if "exportsHoldTheRun" in each)
    assert info.startswith("/Genomics/Run ")
    assert "CloudFormation refuses to change an export that another stack imports" in info
    assert not [each for each in infos(free) if "exportsHoldTheRun" in each]


def test_what_a_run_uses_of_another_stack_is_no_export() -> None:
    """Run groups, caches and configurations can be replaced and deleted, and permissions name them as the run does."""
    runs = new_stack("Runs")
    definitions = beside(runs, "Definitions")
    group = omics.CfnRunGroup(definitions, "Group")
    cache = omics.CfnRunCache(definitions, "Cache", cache_s3_location="s3://caches/x")
    network = omics.CfnConfiguration(definitions, "Network", name="net", run_configurations={})
    for name in ("First", "Second"):
        run_in(runs, name, run_group=group, cache=cache, configuration=network, networking_mode="VPC")
    _, found = templates(runs)
    outputs = found["Definitions"]["Outputs"]

    assert not [output for output in outputs.values() if "Export" in output]
    assert len(outputs) == 3
    for run in resources(found["Runs"], RUN_TYPE).values():
        for member, construct_id in {"RunGroupId": "Group", "CacheId": "Cache", "ConfigurationName": "Network"}.items():
            (name,) = [each for each in outputs if DIGEST.sub("", each) == f"{construct_id}Id"]
            weak = {"Fn::GetStackOutput": {"StackName": "Definitions", "OutputName": name}}
            assert run["Properties"][member] == weak
            assert str(weak) in str(statements(found["Runs"], of_role=PROVIDER))


VPC = omics.CfnConfiguration.RunConfigurationsProperty(
    vpc_config=omics.CfnConfiguration.VpcConfigProperty(security_group_ids=["sg-1"], subnet_ids=["subnet-1"])
)


@pytest.mark.parametrize(
    ("change", "renamed"),
    [({"run_configurations": VPC}, True), ({"name": "other"}, True), ({"tags": {"a": "b"}}, False)],
)
def test_a_replaced_configuration_of_another_stack_brings_the_run_a_new_name(
    change: dict[str, Any], *, renamed: bool
) -> None:
    def name_with(**changes: Any) -> str:
        runs = new_stack("Runs")
        arguments: dict[str, Any] = {"name": "net", "run_configurations": {}} | changes
        network = omics.CfnConfiguration(beside(runs, "Definitions"), "Network", **arguments)
        run_in(runs, configuration=network, networking_mode="VPC")
        (name,) = templates(runs)[1]["Definitions"]["Outputs"]
        return str(name)

    assert (name_with(**change) != name_with()) is renamed


def test_the_workflow_of_a_copied_run_may_be_of_another_stack() -> None:
    runs = new_stack("Runs")
    workflow = omics.CfnWorkflow(beside(runs, "Definitions"), "Workflow")
    role = iam.Role.from_role_name(runs, "Role", "runs")
    WorkflowRun.duplicate(
        runs, "Copy", run_id="1", role=role, output_uri="s3://b", source_workflow=Workflow.from_ref(workflow)
    )
    _, found = templates(runs)

    assert not [output for output in found["Definitions"]["Outputs"].values() if "Export" in output]


def test_a_workflow_of_another_account_is_a_shared_one() -> None:
    runs = new_stack("Runs")
    workflow = omics.CfnWorkflow(beside(runs, "Definitions", account=OTHER_ACCOUNT), "Workflow")
    run_in(runs, workflow=Workflow.from_ref(workflow))
    _, found = templates(runs)

    assert the(found["Runs"], RUN_TYPE)[1]["Properties"]["WorkflowOwnerId"] == OTHER_ACCOUNT
