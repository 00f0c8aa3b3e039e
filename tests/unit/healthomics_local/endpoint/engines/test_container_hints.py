from typing import Any

from healthomics_local.endpoint.engines.runners.container_hints import without_required_containers


def test_a_required_container_becomes_a_hint_wherever_it_is() -> None:
    container = {"class": "DockerRequirement", "dockerPull": "image"}
    scatter = {"class": "ScatterFeatureRequirement"}
    cpu = {"class": "ResourceRequirement", "coresMin": 2}
    document: Any = {
        "requirements": [scatter, dict(container)],
        "steps": [{"requirements": [dict(container)], "run": {"requirements": [dict(container)], "hints": [cpu]}}],
    }

    without_required_containers(document)

    assert document == {
        "requirements": [scatter],
        "hints": [container],
        "steps": [
            {
                "requirements": [],
                "hints": [container],
                "run": {"requirements": [], "hints": [cpu, container]},
            }
        ],
    }


def test_a_document_without_containers_stays_as_it_is() -> None:
    document = {"class": "CommandLineTool", "requirements": [{"class": "InitialWorkDirRequirement"}], "n": None}

    assert without_required_containers(dict(document)) == document
