"""CWL documents that ask for containers where there are none. Pure."""

from __future__ import annotations

from typing import Any, TypeGuard


def without_required_containers(node: Any) -> Any:
    """The document with each DockerRequirement moved from the requirements to the hints, in place."""
    for inner in _inner_nodes(node):
        without_required_containers(inner)
    if _is_list(requirements := _member(node, "requirements")):
        containers = [each for each in requirements if _member(each, "class") == "DockerRequirement"]
        if containers:
            node["requirements"] = [each for each in requirements if each not in containers]
            node["hints"] = [*(node.get("hints") or []), *containers]
    return node


def _inner_nodes(node: Any) -> list[Any]:
    if _is_list(node):
        return node
    return list(node.values()) if _is_mapping(node) else []


def _member(node: Any, name: str) -> Any:
    return node.get(name) if _is_mapping(node) else None


def _is_list(node: object) -> TypeGuard[list[Any]]:
    return isinstance(node, list)


def _is_mapping(node: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(node, dict)
