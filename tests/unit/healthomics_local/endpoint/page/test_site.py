"""The page over (almost) HTTP: addresses, headers, forms, filters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from healthomics_local.endpoint import ConnectionDropped, Fault, S3Uri, Service
from healthomics_local.endpoint.messages import Request, Response
from healthomics_local.endpoint.objects import MemoryObjectStore, ObjectStoreError
from healthomics_local.endpoint.page.run_list import PAGE_SIZE, Selection
from healthomics_local.endpoint.run_table import RunFilter

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOST = "127.0.0.1:4567"
START = {
    "workflowId": "1234567",
    "roleArn": "arn:aws:iam::123456789012:role/run",
    "outputUri": "s3://bucket/out",
}


def get(service: Service, path: str, method: str = "GET", **headers: str) -> Response:
    path, _, query = path.partition("?")
    return service.handle(Request(method=method, path=path, query=query, headers={"host": HOST, **headers}, port=4567))


def text(service: Service, path: str) -> str:
    return get(service, path).body.decode()


def post(service: Service, path: str, fields: dict[str, str], **headers: str) -> Response:
    given = {
        "host": HOST,
        "origin": f"http://{HOST}",
        "content-type": "application/x-www-form-urlencoded",
        **headers,
    }
    return service.handle(Request(method="POST", path=path, headers=given, port=4567, body=urlencode(fields).encode()))


def fields_of(service: Service, run_id: str) -> dict[str, str]:
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', text(service, f"/runs/{run_id}")))


def listed(html: str) -> list[str]:
    return re.findall(r'id="run-[^"]+">([^<]+)<', html)


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/", 200, "text/html; charset=utf-8"),
        ("/?status=nonsense&before=x&name=", 200, "text/html; charset=utf-8"),
        ("/page.js", 200, "text/javascript; charset=utf-8"),
        ("/page.css", 200, "text/css; charset=utf-8"),
        ("/page.svg", 200, "image/svg+xml; charset=utf-8"),
        ("/runs/1", 404, "text/html; charset=utf-8"),
        ("/runs/", 404, "text/html; charset=utf-8"),
        ("/runs/../page.css", 404, "text/html; charset=utf-8"),
        ("/runs/1/cancel", 405, "text/html; charset=utf-8"),
    ],
)
def test_every_answer_has_a_strict_policy(service: Service, path: str, status: int, kind: str) -> None:
    response = get(service, path)

    assert (response.status, response.headers["Content-Type"]) == (status, kind)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy


def test_no_page_has_a_script_a_style_or_a_handler_in_it(
    service: Service, start_run: Callable[..., dict[str, Any]]
) -> None:
    run_id = start_run(service)["id"]
    service.run_until_idle()

    for path in ("/", f"/runs/{run_id}", "/runs/1"):
        html = text(service, path)
        assert re.findall(r"<script[^>]*>.*?</script>", html) == ['<script src="/page.js" defer></script>']
        assert not re.search(r"<style|\sstyle=|\son\w+=", html)


@pytest.mark.parametrize("path", ["/", "/runs/1", "/page.js"])
def test_a_host_that_is_not_this_machine_learns_nothing(service: Service, path: str) -> None:
    response = get(service, path, host="evil.example:4567")

    assert response.status == 403
    assert b"123456789012" not in response.body
    assert len(response.body) < 400


def test_only_reading_is_allowed_but_for_the_button(service: Service) -> None:
    assert get(service, "/", "HEAD").status == 200
    response = get(service, "/", "POST", origin=f"http://{HOST}")
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    assert get(service, "/runs/1/cancel").headers["Allow"] == "POST"


def test_the_button_makes_a_call_that_is_recorded(service: Service, start_run: Callable[..., dict[str, Any]]) -> None:
    run_id = start_run(service)["id"]

    response = post(service, f"/runs/{run_id}/cancel", fields_of(service, run_id))

    assert (response.status, response.headers["Location"]) == (303, f"/runs/{run_id}")
    assert [each.input for each in service.requests("CancelRun")] == [{"id": run_id}]
    assert service.runs()[0].status == "CANCELLED"


def test_what_the_call_answers_is_shown(service: Service, start_run: Callable[..., dict[str, Any]]) -> None:
    run_id = start_run(service)["id"]
    fields = fields_of(service, run_id)
    service.inject(Fault(operation="CancelRun", code="ThrottlingException", message="slow <down>"))
    refused = post(service, f"/runs/{run_id}/cancel", fields)
    service.inject(Fault(operation="CancelRun", drop_connection=True))
    with pytest.raises(ConnectionDropped):
        post(service, f"/runs/{run_id}/cancel", fields)
    service.run_until_idle()
    late = post(service, f"/runs/{run_id}/cancel", fields)

    assert (refused.status, late.status) == (429, 409)
    assert b"slow &lt;down&gt;" in refused.body
    assert b"cannot be cancelled" in late.body


@pytest.mark.parametrize(
    ("change", "headers", "status"),
    [
        pytest.param({"token": "x"}, {}, 403, id="another token"),
        pytest.param({"token": ""}, {}, 403, id="no token"),
        pytest.param({"uuid": "x"}, {}, 409, id="another run with this id"),
        pytest.param({}, {"origin": "http://evil.example"}, 403, id="another origin"),
        pytest.param({}, {"origin": "null"}, 403, id="an origin that is hidden"),
        pytest.param({}, {"host": "evil.example", "origin": "http://evil.example"}, 403, id="a rebound name"),
        pytest.param({}, {"content-type": "text/plain"}, 400, id="no form"),
        pytest.param({"x": "x" * 5000}, {}, 400, id="a large form"),
    ],
)
def test_a_form_that_is_not_the_own_one_cancels_nothing(
    service: Service,
    start_run: Callable[..., dict[str, Any]],
    change: dict[str, str],
    headers: dict[str, str],
    status: int,
) -> None:
    run_id = start_run(service)["id"]

    response = post(service, f"/runs/{run_id}/cancel", fields_of(service, run_id) | change, **headers)

    assert response.status == status
    assert service.requests("CancelRun") == []
    assert service.runs()[0].status == "PENDING"


def test_every_process_has_its_own_token(make_service: Callable[..., Service]) -> None:
    services = [make_service(accept_unknown_references=True) for _ in range(2)]

    tokens = {fields_of(each, each.call("StartRun", START)["id"])["token"] for each in services}

    assert len(tokens) == 2
    assert all(len(token) > 30 for token in tokens)


def test_the_list_can_be_filtered_and_paged(make_service: Callable[..., Service]) -> None:
    service = make_service(accept_unknown_references=True)
    for number in range(PAGE_SIZE + 5):
        service.call("StartRun", START | {"name": f"run {number}", "runGroupId": str(1000000 + number % 2)})
    service.call("CancelRun", {"id": service.runs()[0].run_id})

    first = text(service, "/")
    older = re.search(r'href="(/\?before=\d+)" rel="next"', first)
    assert older is not None
    second = text(service, older[1])

    assert listed(first) == [f"run {number}" for number in range(PAGE_SIZE + 4, 4, -1)]
    assert listed(second) == ["run 4", "run 3", "run 2", "run 1", "run 0"]
    assert 'rel="next"' not in second
    assert listed(text(service, "/?status=CANCELLED")) == ["run 0"]
    assert listed(text(service, "/?name=run+7&status=PENDING")) == ["run 7"]
    assert len(listed(text(service, "/?group=1000001"))) == (PAGE_SIZE + 5) // 2
    assert "No run fits" in text(service, "/?name=nobody")
    assert "No run fits" in text(service, "/?batch=1")


def test_an_address_of_the_list_means_what_it_was_made_from() -> None:
    shown = Selection(wanted=RunFilter(name="a & b=c #1?", status="FAILED", group="7", batch="8"), before=9)

    assert Selection.from_query(shown.href().removeprefix("/?")) == shown
    assert Selection.from_query("") == Selection()
    assert Selection().href() == "/"


def test_outputs_are_read_once_the_run_has_ended(make_service: Callable[..., Service]) -> None:
    store = _CountingStore()
    service = make_service(accept_unknown_references=True, object_store=store)
    run = service.call("StartRun", START)
    path = f"/runs/{run['id']}"

    assert "has not ended" in text(service, path)
    service.run_until_idle()
    store.broken = True
    assert "could not be read: no &lt;connection&gt;" in text(service, path)
    store.broken = False
    store.put(f"{run['runOutputUri']}/logs/outputs.json", b'{"a": [1, "\\ud800"]}')
    before = store.reads
    assert "&quot;a&quot;: [" in text(service, path)
    assert "&quot;a&quot;: [" in text(service, path)
    assert store.reads == before + 1


@pytest.mark.parametrize(
    ("content", "shown"),
    [(b"not <JSON>", "not &lt;JSON&gt;"), (b"\xff\xfe", "\ufffd\ufffd"), (b"[" * 200_000, "[…"), (b"", "")],
)
def test_outputs_that_are_no_json_are_shown_as_they_are(
    service: Service, start_run: Callable[..., dict[str, Any]], content: bytes, shown: str
) -> None:
    run = start_run(service)
    store = service.objects
    assert isinstance(store, MemoryObjectStore)
    store.put(f"{run['runOutputUri']}/logs/outputs.json", content)
    service.run_until_idle()

    html = text(service, f"/runs/{run['id']}")

    assert f"{shown}</code>" in html
    assert len(html) < 150_000


class _CountingStore(MemoryObjectStore):
    reads = 0
    broken = False

    def download(self, source: S3Uri, target: Path) -> None:
        self.reads += 1
        if self.broken:
            raise ObjectStoreError("no <connection>")
        super().download(source, target)
