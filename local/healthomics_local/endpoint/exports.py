"""Definitions and READMEs of workflows, for download.

GetRun and GetWorkflow answer an ``export`` with the URL of a download, which needs no signature, as a presigned URL
of S3 needs none. Here it is an address of this endpoint below ``/_local/exports/``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from healthomics_local.endpoint.definitions import DefinitionError, read_archive
from healthomics_local.endpoint.errors import AccessDeniedException, ResourceNotFoundException
from healthomics_local.endpoint.messages import Response
from healthomics_local.endpoint.workflow_extras import has_readme, read_readme

if TYPE_CHECKING:
    from collections.abc import Collection

    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.records import Workflow

EXPORTS_PATH = "/_local/exports/"
_DEFINITION, _README = "definition.zip", "readme.md"


class Exports:
    """Names the downloads, and serves them."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def urls(self, wanted: Collection[str], workflow: Workflow, arn: str) -> dict[str, str]:
        """The members ``definition`` and ``readme`` of a response, as far as they are wanted and exist.

        Args:
            wanted: The values of ``export``.
            workflow: Whose definition it is.
            arn: Of the workflow, the version or the run that was asked for.

        Raises:
            AccessDeniedException: Another account shares the workflow; only its owner can export it.
        """
        if wanted and workflow.owner_id is not None:
            raise AccessDeniedException(f"Workflow {workflow.workflow_id} is shared with you and cannot be exported")
        base, resource = self._backend.base_url(), arn.rpartition(":")[2]
        if base is None:
            # A service without a port has no address to give.
            return {}
        address = f"{base}{EXPORTS_PATH}{resource}"
        definition = workflow.definition
        has_definition = definition.archive is not None or definition.uri is not None
        urls: dict[str, str] = {}
        if "DEFINITION" in wanted and has_definition:
            urls["definition"] = f"{address}/{_DEFINITION}"
        if "README" in wanted and has_readme(workflow):
            urls["readme"] = f"{address}/{_README}"
        return urls

    def download(self, path: str) -> Response:
        """What lies at an address that `urls` gives.

        Raises:
            ResourceNotFoundException: Nothing does, or no longer.
        """
        resource, _, name = path.removeprefix(EXPORTS_PATH).rpartition("/")
        with self._backend.state.transaction():
            workflow = self._workflow(resource)
        try:
            if name == _DEFINITION:
                content = read_archive(workflow.definition, self._backend.objects)
                return Response(status=200, headers={"Content-Type": "application/zip"}, body=content)
            if name == _README:
                content = read_readme(workflow, self._backend.objects)
                return Response(status=200, headers={"Content-Type": "text/markdown; charset=utf-8"}, body=content)
        except DefinitionError as error:
            raise ResourceNotFoundException(f"{path} cannot be read: {error}") from error
        raise ResourceNotFoundException(f"{path} not found")

    def _workflow(self, resource: str) -> Workflow:
        state = self._backend.state
        found: Workflow | None = None
        match resource.split("/"):
            case ["run", run_id]:
                found = state.run(run_id).workflow
            case ["workflow", workflow_id]:
                found = state.workflows.get((workflow_id, None))
            case ["workflow", workflow_id, "version", name]:
                found = state.workflows.get((workflow_id, name))
            case _:
                pass
        if found is None or found.owner_id is not None:
            raise ResourceNotFoundException(f"{resource} not found")
        return found
