"""The picture in the guide is of the dashboard that its example defines."""

import xml.etree.ElementTree as ET
from types import ModuleType
from typing import Any

import pytest

from scripts import script

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module", name="script")
def dashboard_picture() -> ModuleType:
    return script("dashboard_picture")


@pytest.fixture(scope="module")
def body(script: ModuleType) -> dict[str, Any]:
    found: dict[str, Any] = script.example_body()
    return found


def test_the_picture_is_up_to_date(script: ModuleType, body: dict[str, Any]) -> None:
    drawn = script.PICTURE.read_text(encoding="utf-8")

    assert drawn == script.picture(body), "run python scripts/dashboard_picture.py"


def test_the_picture_has_every_widget_in_its_place_with_title_and_query(
    script: ModuleType, body: dict[str, Any]
) -> None:
    root = ET.fromstring(script.picture(body))
    boxes = {
        tuple(float(box.attrib[side]) for side in ("x", "y", "width", "height"))
        for box in root.iter(f"{SVG}rect")
        if box.get("class") == "widget"
    }
    words = " ".join("".join(text.itertext()) for text in root.iter(f"{SVG}text")).split()

    assert len(boxes) == len(body["widgets"])
    for widget in body["widgets"]:
        x, y = (
            script.MARGIN + widget[side] * unit + script.GAP / 2
            for side, unit in (("x", script.COLUMN), ("y", script.ROW))
        )
        assert (x, y, widget["width"] * script.COLUMN - script.GAP, widget["height"] * script.ROW - script.GAP) in boxes
        for text in ("title", "query"):
            assert set(widget["properties"].get(text, "").split()) <= set(words)


def test_a_picture_of_another_dashboard_is_another(script: ModuleType, body: dict[str, Any]) -> None:
    widgets = [widget | {"height": widget["height"] + 1} for widget in body["widgets"]]

    assert script.picture(body | {"widgets": widgets}) != script.picture(body)


def test_a_widget_that_nobody_can_draw_is_an_error(script: ModuleType, body: dict[str, Any]) -> None:
    unknown = body["widgets"][0] | {"type": "explorer"}

    with pytest.raises(ValueError, match="no picture of a widget of the kind 'explorer'"):
        script.picture({"widgets": [unknown]})


def test_light_and_dark_have_colours_for_the_same_things(script: ModuleType) -> None:
    light, _, dark = script.STYLE.partition("@media")
    defined = [{word for word in part.split() if word.startswith("--")} for part in (light, dark.partition("}")[0])]

    assert defined[0] == defined[1] != set()
