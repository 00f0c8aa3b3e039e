"""Method and path to operation, as the service model declares them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

from healthomics_local.endpoint.service_model import operation_model, service_model

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One operation's method and path template, split at the slashes."""

    operation: str
    method: str
    segments: tuple[str, ...]

    def match(self, method: str, segments: tuple[str, ...]) -> Mapping[str, str] | None:
        """The decoded values of the path's labels, or None when the request is for another operation."""
        if method != self.method or len(segments) != len(self.segments):
            return None
        labels: dict[str, str] = {}
        for expected, actual in zip(self.segments, segments, strict=True):
            if expected.startswith("{"):
                labels[expected[1:-1]] = unquote(actual)
            elif expected != actual:
                return None
        return labels


@dataclass(frozen=True, kw_only=True, slots=True)
class RouteMatch:
    """The operation a request is for, and the values of its path labels."""

    operation: str
    labels: Mapping[str, str]


def find_route(method: str, path: str) -> RouteMatch | None:
    """The operation that a request line names; None for a path that the service does not have.

    The path is split before it is decoded: the slashes inside a percent-encoded ARN separate nothing.
    """
    segments = split_path(path)
    for route in _routes():
        labels = route.match(method, segments)
        # An empty label would be the path of another resource, so it never matches.
        if labels is not None and all(labels.values()):
            return RouteMatch(operation=route.operation, labels=labels)
    return None


def split_path(path: str) -> tuple[str, ...]:
    """The segments of a path, still encoded, without the leading slash.

    A trailing slash counts: ``GET /run/`` comes from a client with an empty id, and must not list all runs.
    """
    return tuple(path.removeprefix("/").split("/"))


@cache
def _routes() -> tuple[Route, ...]:
    routes: list[Route] = []
    for name in service_model().operation_names:
        http = operation_model(name).http
        path = str(http["requestUri"]).split("?", maxsplit=1)[0]
        routes.append(Route(operation=name, method=str(http["method"]), segments=split_path(path)))
    # Fixed segments before labels: /runBatch/cancel must win over /runBatch/{id}.
    return tuple(sorted(routes, key=lambda route: [part.startswith("{") for part in route.segments]))
