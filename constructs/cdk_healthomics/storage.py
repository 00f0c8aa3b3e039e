"""The run storage: the file system that the tasks of one run share."""

from dataclasses import dataclass
from typing import Final

import aws_cdk as cdk

from cdk_healthomics.kinds import Kind, instance, require
from cdk_healthomics.tokens import is_token

DYNAMIC: Final = "DYNAMIC"
STATIC: Final = "STATIC"

SMALLEST_GIB: Final = 1200
_STEP_GIB: Final = 2400
_CAPACITY: Final = Kind(instance(cdk.Size), "a Size, such as cdk.Size.gibibytes(2400)")


@dataclass(frozen=True, slots=True)
class Storage:
    """The storage type of a run, and the capacity where it is static. Use the two factories.

    The library always sends the type of a new run: the API's default is static, the console's is dynamic.

    Example:
        >>> import aws_cdk as cdk
        >>> from cdk_healthomics import Storage
        >>> Storage.static(cdk.Size.gibibytes(1500)).provisioned_gib
        2400
    """

    storage_type: str
    capacity_gib: float | None = None
    """Capacity in GiB, or None where the service decides."""

    @staticmethod
    def dynamic() -> "Storage":
        """Storage that grows and shrinks with use; billed for what is used. The default of this library."""
        return Storage(DYNAMIC)

    @staticmethod
    def static(capacity: cdk.Size | None = None) -> "Storage":
        """A fixed capacity with a higher throughput, for large and I/O-bound runs.

        All of it is billed for as long as the run takes, so small runs commonly cost less with ``Storage.dynamic()``.

        Args:
            capacity: Whole GiB, at most 100,000. HealthOmics provisions 1,200 GiB, or the next multiple of 2,400 GiB.
                By default 1,200 GiB.

        Raises:
            TypeError: The capacity is a plain number, which does not say its unit.
        """
        require("the capacity of Storage.static", capacity, _CAPACITY)
        return Storage(STATIC, None if capacity is None else capacity.to_gibibytes())

    @property
    def provisioned_gib(self) -> int | None:
        """What HealthOmics provisions, in GiB, where a known static capacity is asked for."""
        if self.capacity_gib is None or is_token(self.capacity_gib):
            return None
        if self.capacity_gib <= SMALLEST_GIB:
            return SMALLEST_GIB
        return -(-int(self.capacity_gib) // _STEP_GIB) * _STEP_GIB
