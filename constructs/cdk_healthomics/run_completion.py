"""``RunCompletion``: the end of a run, as something that a deployment waits for."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Final, cast

import aws_cdk as cdk
import jsii
from constructs import Construct

from cdk_healthomics.choices import RunStatus
from cdk_healthomics.known_runs import remember_completion
from cdk_healthomics.replacement import text_of
from cdk_healthomics.stack_reference import Attributes
from healthomics_run_handler import contract as run_contract
from healthomics_run_waiter import contract

if TYPE_CHECKING:
    from cdk_healthomics.run_waiter import RunWaiter

_SHORTEST_SECONDS: Final = 60
_DIGEST_LENGTH: Final = 16
_BASE_LENGTH: Final = 255 - _DIGEST_LENGTH
"""A logical id has at most 255 characters."""
_SERVICE_TIMEOUT: Final = cdk.Duration.hours(1)
_FINAL: Final = (RunStatus.COMPLETED, RunStatus.FAILED, RunStatus.CANCELLED)


class WaitSettings:
    """What is waited for, and for how long."""

    def __init__(self, timeout: cdk.Duration, require: "RunStatus | Sequence[RunStatus]") -> None:
        self._timeout = timeout
        self.statuses = sorted({str(require)} if isinstance(require, str) else {str(status) for status in require})

    def __eq__(self, other: object) -> bool:
        """Whether both ask for the same."""
        return (
            isinstance(other, WaitSettings)
            and self.statuses == other.statuses
            and self._timeout.to_milliseconds() == other._timeout.to_milliseconds()
        )

    __hash__ = None  # type: ignore[assignment]

    @property
    def seconds(self) -> int:
        """The time-out."""
        return int(self._timeout.to_seconds())

    def problems(self) -> Iterator[str]:
        """What cannot be."""
        allowed = ", ".join(_FINAL)
        if not self.statuses:
            yield f"require is empty, so the wait could only fail: name one or more of {allowed}"
        for status in self.statuses:
            if status not in _FINAL:
                yield f"require has {status}, but a run ends as one of {allowed}: leave it out"
        if not _is_duration(self._timeout):
            yield f"timeout is {self._timeout!r}: give a duration, such as cdk.Duration.hours(6)"
            return
        if self._timeout.is_unresolved():
            yield "timeout is a token, but the template has it as text: give a literal duration"
            return
        seconds = self._timeout.to_seconds(integral=False)
        if seconds != int(seconds):
            yield f"timeout is {seconds} seconds: use whole seconds"
        elif not _SHORTEST_SECONDS <= seconds <= contract.LONGEST_WAIT_SECONDS:
            yield f"timeout is {seconds:,.0f} seconds: use 1 minute to 12 hours, which is CloudFormation's limit"


class RunCompletion(Construct):
    """The end of a run: what depends on it comes after the run has ended as it was asked for.

    ``WorkflowRun.wait_for_completion`` defines it. Its attributes are tokens, and who uses one depends on it.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import Workflow, WorkflowRun
        >>> stack = cdk.Stack(cdk.App(), "Genomics")
        >>> run = WorkflowRun(
        ...     stack, "Alignment", workflow=Workflow.private("1234567"), output_uri="s3://amzn-s3-demo-bucket/out"
        ... )
        >>> completion = run.wait_for_completion(timeout=cdk.Duration.hours(6))
        >>> output = cdk.CfnOutput(stack, "Outputs", value=completion.outputs_uri)
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        run: cdk.CustomResource,
        settings: WaitSettings,
        waiter: "RunWaiter",
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        stack = cdk.Stack.of(self)
        resource = cast("cdk.CfnResource", run.node.default_child)

        def digest(context: cdk.IResolveContext) -> str:
            told_apart = [text_of(resource, context), settings.statuses, settings.seconds]
            return hashlib.sha256(json.dumps(told_apart, sort_keys=True).encode()).hexdigest()

        def wait_id(context: cdk.IResolveContext) -> str:
            return str(
                contract.wait_id(stack.resolve(resource.logical_id), seconds=settings.seconds, digest=digest(context))
            )

        timeout = cdk.Duration.seconds(contract.policy_seconds(settings.seconds)).to_iso_string()
        wait = cdk.CfnWaitCondition(self, "Wait")
        wait.cfn_options.creation_policy = cdk.CfnCreationPolicy(
            resource_signal=cdk.CfnResourceSignal(count=1, timeout=timeout)
        )
        wait.override_logical_id(cdk.Lazy.uncached_string(_Text(wait_id)))
        wait.node.add_dependency(run, waiter.waiting)
        reported = cdk.CustomResource(
            self,
            "Resource",
            service_token=waiter.function.function_arn,
            service_timeout=_SERVICE_TIMEOUT,
            resource_type=contract.COMPLETION_TYPE,
            properties={
                contract.RUN: resource.logical_id,
                contract.RUN_ID: run.get_att_string(run_contract.ATTRIBUTE_RUN_ID),
                contract.RUN_UUID: run.get_att_string(run_contract.ATTRIBUTE_RUN_UUID),
                contract.RUN_OUTPUT_URI: run.get_att_string(run_contract.ATTRIBUTE_RUN_OUTPUT_URI),
                contract.REQUIRE: settings.statuses,
                contract.SECONDS: settings.seconds,
                contract.WAIT_CONDITION: wait.ref,
            },
        )
        remember_completion(reported, run)
        reported.node.add_dependency(waiter.retries)
        self._attributes = Attributes(self, reported)
        completion = cast("cdk.CfnElement", reported.node.default_child)
        base = stack.get_logical_id(completion)
        completion.override_logical_id(
            cdk.Lazy.uncached_string(_Text(lambda context: f"{base[:_BASE_LENGTH]}{digest(context)[:_DIGEST_LENGTH]}"))
        )
        waiter.add(wait_id)

    def asks_for(self, settings: WaitSettings) -> bool:
        """Whether it is what somebody asks for again."""
        return self._settings == settings

    @property
    def outputs_uri(self) -> str:
        """S3 URI of the file that names every output of the run, ``<run_output_uri>/logs/outputs.json``, a token."""
        return self._attributes.token(contract.ATTRIBUTE_OUTPUTS_URI)

    @property
    def run_output_uri(self) -> str:
        """S3 URI of the run's own outputs, a token: the same as the run's, for who needs the outputs to be there."""
        return self._attributes.token(contract.ATTRIBUTE_RUN_OUTPUT_URI)

    @property
    def run_status(self) -> str:
        """How the run has ended, a token: one of the statuses that were required.

        DELETED or UNKNOWN if that was long ago and nobody can tell any more.
        """
        return self._attributes.token(contract.ATTRIBUTE_RUN_STATUS)

    @property
    def failure_reason(self) -> str:
        """Why the run failed, a token: one word such as ``RUN_TASK_FAILED``; empty if it did not."""
        return self._attributes.token(contract.ATTRIBUTE_FAILURE_REASON)

    @property
    def start_time(self) -> str:
        """When the run began to work, a token: ISO 8601, empty if it never did."""
        return self._attributes.token(contract.ATTRIBUTE_START_TIME)

    @property
    def stop_time(self) -> str:
        """When the run ended, a token: ISO 8601."""
        return self._attributes.token(contract.ATTRIBUTE_STOP_TIME)


def _is_duration(value: object) -> bool:
    """Whether it is one, whatever type checkers were told: seconds as a number are a common mistake."""
    return isinstance(value, cdk.Duration)


@jsii.implements(cdk.IStringProducer)
class _Text:
    """A text that is known only once the app is complete."""

    def __init__(self, make: Callable[[cdk.IResolveContext], str]) -> None:
        self._make = make

    def produce(self, context: cdk.IResolveContext) -> str:
        """The text."""
        return self._make(context)
