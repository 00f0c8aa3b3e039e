from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from healthomics_local.endpoint.routes import find_route
from healthomics_local.endpoint.service_model import operation_model, service_model


@pytest.mark.parametrize("name", service_model().operation_names)
def test_every_operation_of_the_model_is_found_by_its_own_route(name: str) -> None:
    http = operation_model(name).http
    path = http["requestUri"].split("?")[0]
    labelled = path.replace("{", "").replace("}", "")

    route = find_route(http["method"], labelled)

    assert route is not None
    assert route.operation == name


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_a_label_arrives_as_it_was_sent_whatever_is_in_it(value: str) -> None:
    route = find_route("GET", f"/tags/{quote(value, safe='')}")

    assert route is not None
    assert route.labels == {"resourceArn": value}


def test_the_slash_in_an_encoded_arn_separates_nothing() -> None:
    route = find_route("POST", "/tags/arn%3Aaws%3Aomics%3Aus-east-1%3A123456789012%3Arun%2F1234567")

    assert route is not None
    assert route.operation == "TagResource"
    assert route.labels["resourceArn"] == "arn:aws:omics:us-east-1:123456789012:run/1234567"


def test_a_fixed_path_wins_over_a_label() -> None:
    route = find_route("POST", "/runBatch/cancel")

    assert route is not None
    assert route.operation == "CancelRunBatch"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("GET", "/", id="root"),
        pytest.param("GET", "/nothing", id="unknown path"),
        pytest.param("PUT", "/run", id="wrong method"),
        pytest.param("GET", "/run/1/task/2/3", id="too long"),
        pytest.param("GET", "/run//task", id="empty label"),
        pytest.param("GET", "/Run", id="case"),
        pytest.param("GET", "/run/", id="an empty id"),
        pytest.param("GET", "/workflow/1/version/", id="an empty name"),
    ],
)
def test_other_requests_have_no_operation(method: str, path: str) -> None:
    assert find_route(method, path) is None
