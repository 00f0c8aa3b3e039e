"""Names of new resources: numeric ids as HealthOmics gives them, uuids, and ARNs."""

from __future__ import annotations

import random
import uuid
from collections import deque
from dataclasses import dataclass

_SEVEN_DIGITS = (1_000_000, 9_999_999)


class IdSource:
    """Gives ids and uuids; the same seed gives the same ones."""

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)  # noqa: S311 - names, not secrets
        self._taken: set[str] = set()
        self._returned: deque[str] = deque()

    def numeric(self) -> str:
        """A numeric id of seven digits: one that was given back, oldest first, else one never used."""
        if self._returned:
            return self._returned.popleft()
        while (candidate := str(self._random.randint(*_SEVEN_DIGITS))) in self._taken:
            pass
        self._taken.add(candidate)
        return candidate

    def reserve(self, numeric_id: str) -> None:
        """Never give this id."""
        self._taken.add(numeric_id)

    def give_back(self, numeric_id: str) -> None:
        """Give this id to the next resource that needs one, as HealthOmics does with ids of deleted runs."""
        self._returned.append(numeric_id)

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
