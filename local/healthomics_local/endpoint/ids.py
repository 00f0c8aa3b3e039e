"""Names of new resources: numeric ids as HealthOmics gives them, uuids, and ARNs."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_SEVEN_DIGITS = (1_000_000, 9_999_999)


class IdSource:
    """Gives ids and uuids; the same seed gives the same ones."""

    def __init__(
        self,
        seed: int | None = None,
        *,
        taken: MutableMapping[str, None] | None = None,
        returned: MutableMapping[str, None] | None = None,
        generation: int = 0,
    ) -> None:
        """Make a source.

        Args:
            seed: None: random.
            taken: The numeric ids that were given, which are added to.
            returned: Those that were given back, oldest first.
            generation: How many sources have had this seed and these ids before: uuids must not come again.
        """
        later = f"{seed}/{generation}" if generation else seed
        self._random = random.Random(None if seed is None else later)  # noqa: S311 - names, not secrets
        self._taken: MutableMapping[str, None] = {} if taken is None else taken
        self._returned: MutableMapping[str, None] = {} if returned is None else returned

    def numeric(self) -> str:
        """A numeric id of seven digits: one that was given back, oldest first, else one never used."""
        if self._returned:
            oldest = next(iter(self._returned))
            del self._returned[oldest]
            return oldest
        while (candidate := str(self._random.randint(*_SEVEN_DIGITS))) in self._taken:
            pass
        self._taken[candidate] = None
        return candidate

    def reserve(self, numeric_id: str) -> None:
        """Never give this id."""
        self._taken[numeric_id] = None

    def give_back(self, numeric_id: str) -> None:
        """Give this id to the next resource that needs one, as HealthOmics does with ids of deleted runs."""
        self._returned[numeric_id] = None

    def uuid(self) -> str:
        """A random uuid."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


@dataclass(frozen=True, kw_only=True, slots=True)
class ArnFormat:
    """How this account's ARNs look."""

    partition: str
    region: str
    account_id: str

    def of(self, resource: str, *, owner: str | None = None) -> str:
        """The ARN of a resource such as ``run/1234567``.

        Args:
            resource: Type and id.
            owner: The account in the ARN; None for this one, empty for READY2RUN workflows.
        """
        account = self.account_id if owner is None else owner
        return f"arn:{self.partition}:omics:{self.region}:{account}:{resource}"

    def log_stream(self, stream: str) -> str:
        """The ARN of a log stream in the group that all HealthOmics runs share."""
        group = f"arn:{self.partition}:logs:{self.region}:{self.account_id}:log-group:/aws/omics/WorkflowLog"
        return f"{group}:log-stream:{stream}"
