"""Runs that something else started, for code that takes any run."""

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import aws_cdk as cdk
from constructs import Construct

from cdk_healthomics.tokens import is_string_token

if TYPE_CHECKING:
    from constructs import Node


@runtime_checkable
class IWorkflowRun(Protocol):
    """A workflow run: one of this app, or an imported one."""

    @property
    def node(self) -> "Node":
        """The construct's node."""
        ...

    @property
    def run_arn(self) -> str:
        """ARN of the run."""
        ...

    @property
    def run_id(self) -> str:
        """Id of the run. HealthOmics gives the ids of deleted runs to new ones."""
        ...

    @property
    def run_uuid(self) -> str:
        """UUID of the run, which no other run ever has."""
        ...

    @property
    def run_output_uri(self) -> str:
        """S3 URI of the run's own outputs."""
        ...


class ImportedRun(Construct):
    """A run that is known by its attributes. ``WorkflowRun.from_run_attributes`` makes it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        run_arn: str,
        run_uuid: str | None,
        run_output_uri: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._run_arn = run_arn
        self._run_uuid = run_uuid
        self._run_output_uri = run_output_uri

    @property
    def run_arn(self) -> str:
        """ARN of the run."""
        return self._run_arn

    @property
    def run_id(self) -> str:
        """Id of the run, from its ARN."""
        if is_string_token(self._run_arn):
            return cdk.Fn.select(1, cdk.Fn.split("/", self._run_arn))
        return self._run_arn.rpartition("/")[2]

    @property
    def run_uuid(self) -> str:
        """UUID of the run.

        Raises:
            ValueError: The run was imported without it.
        """
        return self._given("run_uuid", self._run_uuid)

    @property
    def run_output_uri(self) -> str:
        """S3 URI of the run's own outputs.

        Raises:
            ValueError: The run was imported without it.
        """
        return self._given("run_output_uri", self._run_output_uri)

    def _given(self, attribute: str, value: str | None) -> str:
        if value is None:
            raise ValueError(f"{self.node.path}: {attribute} is unknown: give it to WorkflowRun.from_run_attributes")
        return value
