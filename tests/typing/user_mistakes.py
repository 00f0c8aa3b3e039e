"""Mistakes that a type checker must find: one on each line that says so."""

import aws_cdk as cdk

from cdk_healthomics import EngineSettings, LogLevel, RunDashboard, RunProvider, Storage, Workflow, WorkflowRun

stack = cdk.Stack()
private = Workflow.private("1")

WorkflowRun(stack, "A", output_uri="s3://b")  # mistake: no workflow
WorkflowRun(stack, "B", private)  # mistake: positional
WorkflowRun(stack, "C", workflow="1", output_uri="s3://b")  # mistake: no Workflow
WorkflowRun(stack, "D", workflow=private, output_uri="s3://b", priority="10")  # mistake: a text
WorkflowRun(stack, "E", workflow=private, output_uri="s3://b", storage="DYNAMIC")  # mistake: no Storage
WorkflowRun(stack, "F", workflow=private, output_uri="s3://b", parameters=["a"])  # mistake: no mapping
WorkflowRun(stack, "G", workflow=private, output_uri="s3://b", on_delete="CANCEL")  # mistake: no OnDelete
WorkflowRun(stack, "H", workflow=private, output_uri="s3://b", tags={"a": 1})  # mistake: no text
WorkflowRun(stack, "I", workflow=private, output_uri="s3://b", loglevel=LogLevel.ALL)  # mistake: misspelt
WorkflowRun.duplicate(stack, "J", run_id="1", output_uri="s3://b")  # mistake: no role
Workflow.shared("1")  # mistake: no owner
Storage.static(1200)  # mistake: no Size
EngineSettings("25.10")  # mistake: positional
private.version_name = "v2"  # mistake: frozen
run = WorkflowRun(stack, "K", workflow=private, output_uri="s3://b")
run.on_status_change("L", statuses=["FAILURE"])  # mistake: no RunStatus
run.on_failed("M", descripton="")  # mistake: misspelt
run.alarm_on_failure("S", statuses="FAILED")  # mistake: no RunStatus
run.grants.read("arn:aws:iam::123456789012:role/r")  # mistake: no grantee
RunProvider.configure(stack, timeout=60)  # mistake: no Duration
run.publish("/genomics")  # mistake: by position
run.on_failed("P", retry_attempts="3")  # mistake: no number
WorkflowRun.on_any_failed(stack, "Q", workflow="1")  # mistake: no Workflow
WorkflowRun.on_any_failed(stack, "R", statuses=[])  # mistake: has its status
run.alarm_on_failure("N", action="arn:aws:sns:us-east-1:123456789012:t")  # mistake: no action
RunDashboard(stack, "O", runs=run)  # mistake: no sequence
