"""Which runs deserve a warning, and which do not."""

from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_omics as omics

from cdk_healthomics import Storage, Workflow, advice
from cdk_healthomics.run_settings import RunSettings
from cdk_healthomics.workflow import SourceRun

GOOD = RunSettings(workflow=Workflow.private("1"), role_arn="arn:r", name="n", output_uri="s3://b")
LOGS = {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}


def policy(*statements: object) -> dict[str, object]:
    return {"session_policy": {"Version": "2012-10-17", "Statement": list(statements)}}


def engine(name: str | None) -> dict[str, object]:
    workflow = Workflow.from_ref(omics.CfnWorkflow(cdk.Stack(), "Workflow", engine=name))
    return {"workflow": workflow, "engine_settings": {"profile": "test"}}


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        pytest.param({"storage": Storage("STATIC", 600)}, advice.SMALL_STATIC_STORAGE, id="small static storage"),
        pytest.param(
            {"storage": Storage.static()}, advice.SMALL_STATIC_STORAGE, id="static storage of the default size"
        ),
        pytest.param({"storage": Storage("STATIC", 1200)}, advice.SMALL_STATIC_STORAGE, id="smallest static storage"),
        pytest.param({"additional": {"logLevel": "OFF"}}, advice.LOGS_OFF, id="no logs, by the escape hatch"),
        pytest.param(engine("WDL"), advice.ENGINE_SETTINGS_IGNORED, id="engine settings for WDL"),
        pytest.param(engine("CWL"), advice.ENGINE_SETTINGS_IGNORED, id="engine settings for CWL"),
        pytest.param({"storage": Storage("STATIC", 1300)}, advice.STATIC_STORAGE_ROUNDED_UP, id="between two steps"),
        pytest.param({"log_level": "OFF"}, advice.LOGS_OFF, id="no logs"),
        pytest.param({"output_uri_prefix_mode": "NONE_WITH_OVERWRITE"}, advice.OUTPUTS_OVERWRITTEN, id="overwrite"),
        pytest.param({"configuration_name": "c"}, advice.CONFIGURATION_UNUSED, id="configuration without VPC"),
        pytest.param(policy(), advice.SESSION_POLICY_WITHOUT_LOGS, id="empty policy"),
        pytest.param(policy(LOGS | {"Effect": "Deny"}), advice.SESSION_POLICY_WITHOUT_LOGS, id="logs denied"),
        pytest.param(policy(LOGS | {"Action": "logs:Put*"}), advice.SESSION_POLICY_WITHOUT_LOGS, id="half of the logs"),
    ],
)
def test_a_costly_choice_deserves_one_warning(changes: dict[str, Any], warning: str) -> None:
    ((found, message),) = advice.advice(replace(GOOD, **changes))

    assert found == warning
    assert message[0].islower()
    assert not message.endswith(".")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"storage": Storage.dynamic()}, id="dynamic storage"),
        pytest.param({"log_level": "OFF", "additional": {"logLevel": "ALL"}}, id="logs, by the escape hatch"),
        pytest.param(engine("NEXTFLOW"), id="engine settings for Nextflow"),
        pytest.param(engine(None), id="engine settings for an unknown engine"),
        pytest.param(policy(LOGS | {"Action": ("logs:CreateLogStream", "logs:PutLogEvents")}), id="tuple of actions"),
        pytest.param({"session_policy": {"Statement": (LOGS,)}}, id="tuple of statements"),
        pytest.param({"storage": Storage("STATIC", 2400)}, id="static storage of a step"),
        pytest.param({"retention_mode": "RETAIN", "on_delete": "LEAVE", "log_level": "FATAL"}, id="explicit defaults"),
        pytest.param({"configuration_name": "c", "networking_mode": "VPC"}, id="VPC"),
        pytest.param({"configuration_name": "c", "networking_mode": "${Token[T.1]}"}, id="mode known at deployment"),
        pytest.param({"workflow": SourceRun(run_id="1"), "configuration_name": "c"}, id="duplicate copies the mode"),
        pytest.param(policy(LOGS), id="logs allowed"),
        pytest.param(policy(LOGS | {"Action": "logs:*"}), id="all log actions allowed"),
        pytest.param(policy({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}), id="all others allowed"),
        pytest.param({"session_policy": {"Statement": LOGS}}, id="single statement"),
    ],
)
def test_a_usual_run_is_left_in_peace(changes: dict[str, Any]) -> None:
    assert list(advice.advice(replace(GOOD, **changes))) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param({}, [advice.RUNS_ARE_RETAINED, advice.NO_RUN_GROUP], id="defaults"),
        pytest.param({"retention_mode": "RETAIN"}, [advice.NO_RUN_GROUP], id="retained by choice"),
        pytest.param({"retention_mode": "${Token[T.1]}"}, [advice.NO_RUN_GROUP], id="mode known at deployment"),
        pytest.param({"run_group_id": "7"}, [advice.RUNS_ARE_RETAINED], id="run group"),
        pytest.param({"additional": {"retentionMode": "NEW", "runGroupId": "7"}}, [], id="as additional parameters"),
        pytest.param({"workflow": SourceRun(run_id="1")}, [], id="duplicate copies both"),
    ],
)
def test_defaults_deserve_an_info(changes: dict[str, Any], found: list[str]) -> None:
    infos = list(advice.infos(replace(GOOD, **changes)))

    assert [info_id for info_id, _ in infos] == found
    assert all(message[0].islower() and not message.endswith(".") for _, message in infos)
