import json
from typing import Any

import pytest

from healthomics_local.endpoint.engines.cwl_interface import SecondaryFile, alternatives, parse_interface


def packed(**inputs: Any) -> str:
    return json.dumps({"class": "Workflow", "inputs": [{"id": f"#main/{n}", **i} for n, i in inputs.items()]})


def test_inputs_become_a_parameter_template() -> None:
    document = packed(
        reads={"type": "File", "doc": ["Paired", "reads\n\tin FASTQ"]},
        threads={"type": "int", "default": 4},
        note={"type": ["null", "string"], "label": "A note"},
        flag={"type": "boolean?"},
    )

    assert parse_interface(document).parameter_template() == {
        "reads": {"description": "Paired reads in FASTQ", "optional": False},
        "threads": {"description": "", "optional": True},
        "note": {"description": "A note", "optional": True},
        "flag": {"description": "", "optional": True},
    }


def test_a_long_description_is_cut_to_what_the_service_allows() -> None:
    template = parse_interface(packed(a={"type": "int", "doc": "x" * 300})).parameter_template()

    assert len(template["a"]["description"]) == 256


def test_the_main_process_of_several_is_the_one_that_counts() -> None:
    graph = [
        {"id": "#tool.cwl", "inputs": [{"id": "#tool.cwl/inner", "type": "int"}]},
        {"id": "#main", "inputs": [{"id": "#main/outer", "type": "int"}]},
    ]

    assert set(parse_interface(json.dumps({"$graph": graph})).inputs) == {"outer"}
    with pytest.raises(ValueError, match="#main"):
        parse_interface(json.dumps({"$graph": graph[:1]}))


@pytest.mark.parametrize(
    ("cwl_type", "expected"),
    [
        ("File", ["File"]),
        ("File?", ["File"]),
        ("File[]", [{"type": "array", "items": "File"}]),
        (["null", "File", ["string"]], ["File", "string"]),
        ("null", []),
    ],
)
def test_a_type_has_alternatives(cwl_type: Any, expected: list[Any]) -> None:
    assert alternatives(cwl_type) == expected


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (".bai", "a.sorted.bam.bai"),
        ("^.bai", "a.sorted.bai"),
        ("^^.dict", "a.dict"),
        ("^^^^.x", "a.x"),
        ("$(self.basename).idx", None),
    ],
)
def test_a_secondary_file_is_named_by_its_pattern(pattern: str, name: str | None) -> None:
    assert SecondaryFile(pattern=pattern, required=True).name_for("a.sorted.bam") == name


def test_secondary_files_are_read_in_every_form() -> None:
    entry = {"type": "File", "secondaryFiles": [{"pattern": ".a", "required": False}, {"pattern": ".b"}, ".c?", ".d"]}
    interface = parse_interface(packed(f=entry, g={"type": "File", "secondaryFiles": ".e"}))

    found = [(each.pattern, each.required) for each in interface.inputs["f"].secondary_files]

    assert found == [(".a", False), (".b", True), (".c", False), (".d", True)]
    assert interface.inputs["g"].secondary_files == (SecondaryFile(pattern=".e", required=True),)
