"""The omics instance types: which one a task gets for what it asks."""

from __future__ import annotations

from dataclasses import dataclass

_GIB_PER_CPU = {"c": 2, "m": 4, "r": 8}
_CPUS = {
    "large": 2,
    "xlarge": 4,
    "2xlarge": 8,
    "4xlarge": 16,
    "8xlarge": 32,
    "12xlarge": 48,
    "16xlarge": 64,
    "24xlarge": 96,
    "32xlarge": 128,
    "48xlarge": 192,
}
_GPUS = {"xlarge": 1, "2xlarge": 1, "4xlarge": 1, "8xlarge": 1, "12xlarge": 4, "16xlarge": 1, "24xlarge": 4}
"""Of the family g5, which has 4 GiB of memory for each processor."""


@dataclass(frozen=True, slots=True)
class InstanceType:
    """An instance type, and what it has."""

    name: str
    cpus: int
    memory_gib: int
    gpus: int = 0


# Fewest processors first, then least memory: the order in which the service looks for one that fits.
INSTANCE_TYPES = tuple(
    InstanceType(f"omics.{family}.{size}", cpus, cpus * gib_per_cpu)
    for size, cpus in _CPUS.items()
    for family, gib_per_cpu in _GIB_PER_CPU.items()
)
GPU_INSTANCE_TYPES = tuple(
    InstanceType(f"omics.g5.{size}", _CPUS[size], _CPUS[size] * 4, gpus) for size, gpus in _GPUS.items()
)


def instance_for(cpus: int, memory_gib: int, gpus: int = 0) -> InstanceType:
    """The smallest type with at least this much; the largest one when even that has less."""
    types = GPU_INSTANCE_TYPES if gpus else INSTANCE_TYPES
    fitting = (each for each in types if each.cpus >= cpus and each.memory_gib >= memory_gib and each.gpus >= gpus)
    return next(fitting, types[-1])
