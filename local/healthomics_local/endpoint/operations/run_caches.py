"""CreateRunCache, GetRunCache, ListRunCaches, UpdateRunCache, DeleteRunCache."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from healthomics_local.endpoint.errors import ResourceNotFoundException
from healthomics_local.endpoint.ledger import Created
from healthomics_local.endpoint.paging import page
from healthomics_local.endpoint.quotas import check_quota
from healthomics_local.endpoint.records import RunCache
from healthomics_local.endpoint.run_request import check_tags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from healthomics_local.endpoint.backend import Backend


class RunCacheOperations:
    """The operations on run caches."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._caches = backend.state.run_caches

    def create_run_cache(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Create a run cache."""
        backend = self._backend
        return backend.ledger.once(
            "CreateRunCache",
            members,
            backend.now(),
            create=lambda: self._create(members),
            present=lambda entry: self._present(entry.resource),
        )

    def _present(self, arn: str) -> dict[str, Any] | None:
        return next((_created(cache) for cache in self._caches.values() if cache.arn == arn), None)

    def _create(self, members: Mapping[str, Any]) -> Created:
        backend = self._backend
        check_tags(members.get("tags", {}))
        check_quota("run caches", self._caches, backend.settings.max_run_caches)
        cache_id = backend.ids.numeric()
        cache = RunCache(
            cache_id=cache_id,
            arn=backend.arns.of(f"runCache/{cache_id}"),
            sequence=backend.state.next_sequence(),
            cache_behavior=members.get("cacheBehavior", "CACHE_ON_FAILURE"),
            cache_s3_uri=members["cacheS3Location"],
            bucket_owner_id=members.get("cacheBucketOwnerId", backend.settings.account_id),
            name=members.get("name"),
            description=members.get("description"),
            creation_time=backend.now(),
            tags=dict(members.get("tags", {})),
        )
        self._caches[cache_id] = cache
        return Created(resource=cache.arn, response=_created(cache))

    def get_run_cache(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Everything about one run cache."""
        cache = self._find(members["id"])
        return _listed(cache) | {
            "description": cache.description,
            "cacheBucketOwnerId": cache.bucket_owner_id,
            "tags": dict(cache.tags),
        }

    def list_run_caches(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """All run caches, newest first."""
        return page(self._caches.values(), members, _listed)

    def update_run_cache(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Change name, description or behaviour."""
        cache = self._find(members["id"])
        self._caches[cache.cache_id] = replace(
            cache,
            name=members.get("name", cache.name),
            description=members.get("description", cache.description),
            cache_behavior=members.get("cacheBehavior", cache.cache_behavior),
        )
        return {}

    def delete_run_cache(self, members: Mapping[str, Any]) -> dict[str, Any]:
        """Delete a run cache."""
        del self._caches[self._find(members["id"]).cache_id]
        return {}

    def _find(self, cache_id: str) -> RunCache:
        try:
            return self._caches[cache_id]
        except KeyError:
            raise ResourceNotFoundException(f"Run cache {cache_id} not found") from None


def _created(cache: RunCache) -> dict[str, Any]:
    return {"arn": cache.arn, "id": cache.cache_id, "status": "ACTIVE", "tags": dict(cache.tags)}


def _listed(cache: RunCache) -> dict[str, Any]:
    return {
        "arn": cache.arn,
        "id": cache.cache_id,
        "status": "ACTIVE",
        "name": cache.name,
        "cacheBehavior": cache.cache_behavior,
        "cacheS3Uri": cache.cache_s3_uri,
        "creationTime": cache.creation_time,
    }
