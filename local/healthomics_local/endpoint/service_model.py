"""botocore's own description of the HealthOmics API: the one source of routes, constraints and wire forms."""

from __future__ import annotations

from functools import cache

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, StructureShape

SERVICE_NAME = "omics"
API_VERSION = "2022-11-28"


@cache
def service_model() -> ServiceModel:
    """The service model of the installed botocore, with no search path of the environment.

    A Loader of its own, so that neither AWS_DATA_PATH nor files in ``~/.aws/models`` change what is accepted.
    """
    loader = Loader(include_default_search_paths=False, extra_search_paths=[Loader.BUILTIN_DATA_PATH])
    return ServiceModel(loader.load_service_model(SERVICE_NAME, "service-2", API_VERSION), SERVICE_NAME)


@cache
def operation_model(name: str) -> OperationModel:
    """The model of one operation, by its API name (``StartRun``)."""
    return service_model().operation_model(name)


@cache
def structure_shape(name: str) -> StructureShape:
    """The shape of one structure, by its name in the model (``InlineSetting``).

    Raises:
        TypeError: It is no structure.
    """
    shape = service_model().shape_for(name)
    if not isinstance(shape, StructureShape):
        raise TypeError(f"{name} is a {shape.type_name}, not a structure")
    return shape


def idempotency_members(operation: str) -> tuple[str, ...]:
    """The members that the SDKs fill in with a random token; none for an operation that does not exist."""
    if operation not in service_model().operation_names:
        return ()
    return tuple(operation_model(operation).idempotent_members)
