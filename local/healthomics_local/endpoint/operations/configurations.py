"""CreateConfiguration, GetConfiguration, ListConfigurations, DeleteConfiguration."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.errors import ConflictException, ResourceNotFoundException, ValidationException
from healthomics_local.endpoint.ledger import Created
from healthomics_local.endpoint.paging import page
from healthomics_local.endpoint.records import Configuration
from healthomics_local.endpoint.run_request import check_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.backend import Backend

_PAGE_SIZE = 10
# The service finds out the VPC from the subnets; here there is nobody to ask.
_VPC_ID = "vpc-00000000000000000"


class ConfigurationOperations:
    """The operations on configurations, which are immutable and named by their creator."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._configurations = backend.state.configurations

    def create_configuration(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Create a configuration, which becomes ACTIVE after a time."""
        backend = self._backend
        return backend.ledger.once(
            "CreateConfiguration",
            members,
            backend.now(),
            create=lambda: self._create(members),
            present=lambda entry: self._present(entry.resource),
        )

    def _present(self, uuid: str) -> dict[str, Any] | None:
        return next((_described(each) for each in self._configurations.values() if each.uuid == uuid), None)

    def _create(self, members: Mapping[str, Any]) -> Created:
        backend, name = self._backend, members["name"]
        if name in self._configurations:
            raise ConflictException(f"Configuration {name} already exists")
        check_tags(members.get("tags", {}))
        vpc_config = {
            "vpcId": _VPC_ID,
            "vpcOwnerAccountId": backend.settings.account_id,
            **_vpc_config(members["runConfigurations"]),
        }
        configuration = Configuration(
            name=name,
            arn=backend.arns.of(f"configuration/{name}"),
            uuid=backend.ids.uuid(),
            sequence=backend.state.next_sequence(),
            description=members.get("description"),
            vpc_config=vpc_config,
            creation_time=backend.now(),
            status="CREATING" if backend.settings.timings.configuration_creating > 0 else "ACTIVE",
            tags=dict(members.get("tags", {})),
        )
        self._configurations[name] = configuration
        self._activate_later(configuration)
        return Created(resource=configuration.uuid, response=_described(configuration))

    def resume(self) -> None:
        """Go on with every configuration that is CREATING. Must be called within a transaction."""
        for configuration in self._configurations.values():
            self._activate_later(configuration)

    def _activate_later(self, configuration: Configuration) -> None:
        if configuration.status != "CREATING":
            return
        backend = self._backend
        age = (backend.now() - configuration.creation_time).total_seconds()
        seconds = backend.settings.timings.configuration_creating - age
        backend.clock.call_later(seconds, lambda: self._activate(configuration))

    def _activate(self, configuration: Configuration) -> None:
        with self._backend.state.transaction():
            current = self._configurations.get(configuration.name)
            if current is not None and current.uuid == configuration.uuid:
                self._configurations[current.name] = replace(current, status="ACTIVE")

    def get_configuration(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Everything about one configuration."""
        return _described(self._find(members["name"]))

    def list_configurations(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """All configurations, newest first."""
        return page(self._configurations.values(), members, _listed, default_size=_PAGE_SIZE)

    def delete_configuration(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a configuration that no active run uses."""
        name = self._find(members["name"]).name
        runs = self._backend.state.runs.values()
        if any(run.request.get("configurationName") == name and not run.status.is_terminal for run in runs):
            raise ConflictException(f"Configuration {name} is used by active runs")
        del self._configurations[name]
        return {}

    def _find(self, name: str) -> Configuration:
        try:
            return self._configurations[name]
        except KeyError:
            raise ResourceNotFoundException(f"Configuration {name} not found") from None


def _vpc_config(run_configurations: Mapping[str, Any]) -> Mapping[str, Any]:
    vpc_config: Mapping[str, Any] = run_configurations.get("vpcConfig", {})
    for name in ("subnetIds", "securityGroupIds"):
        if not vpc_config.get(name):
            raise ValidationException(f"runConfigurations.vpcConfig must have at least one of {name}")
    return vpc_config


def _listed(configuration: Configuration) -> dict[str, Any]:
    return {
        "arn": configuration.arn,
        "name": configuration.name,
        "description": configuration.description,
        "status": configuration.status,
        "creationTime": configuration.creation_time,
    }


def _described(configuration: Configuration) -> dict[str, Any]:
    vpc_config = configuration.vpc_config
    return _listed(configuration) | {
        "uuid": configuration.uuid,
        "runConfigurations": {"vpcConfig": vpc_config},
        "tags": dict(configuration.tags),
    }
