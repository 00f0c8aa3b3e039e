"""The page in a headless Chromium."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

import browser as browsers
from healthomics_local.endpoint import LocalHealthOmics, RunScript
from healthomics_local.testing import local_healthomics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from browser import Browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browsers.why_not() is not None, reason=browsers.why_not() or ""),
]

NASTY = "<script>alert('name')</script><img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsers.browser() as browser:
        yield browser


@pytest.fixture
def omics() -> Iterator[LocalHealthOmics]:
    def script(request: Mapping[str, Any]) -> RunScript:
        return RunScript(**request["parameters"].get("script", {}))

    with local_healthomics(accept_unknown_references=True, script=script) as omics:
        yield omics


def start(omics: LocalHealthOmics, **members: Any) -> str:
    required = {
        "workflowId": "1234567",
        "roleArn": "arn:aws:iam::123456789012:role/run",
        "outputUri": "s3://bucket/out",
    }
    return str(omics.call("StartRun", required | members)["id"])


def test_a_status_changes_without_a_reload(browser: Browser, omics: LocalHealthOmics) -> None:
    start(omics, name="sample-1")
    browser.open(omics.url)
    browser.evaluate("window.stayed = true")
    assert "PENDING" in browser.text("#runs tbody tr")

    omics.advance(60)
    browser.wait("document.querySelector('#runs tbody tr').innerText.includes('RUNNING')")
    omics.run_until_idle()
    browser.wait("document.querySelector('#runs tbody tr').innerText.includes('COMPLETED')")
    start(omics, name="sample-2")
    browser.wait("document.querySelector('#runs tbody tr').innerText.includes('sample-2')")

    assert browser.evaluate("window.stayed") is True
    assert browser.problems() == []


def test_the_first_run_appears_by_itself(browser: Browser, omics: LocalHealthOmics) -> None:
    browser.open(omics.url)
    assert f"--endpoint-url {omics.url}" in browser.text("main")

    start(omics, name="sample-1")

    browser.wait("document.querySelector('#runs tbody tr')?.innerText.includes('sample-1')")


def test_the_timeline_shows_runs_and_tasks_where_they_were(browser: Browser, omics: LocalHealthOmics) -> None:
    start(omics, name="sample-1", parameters={"script": {"tasks": ["align", "sort"]}})
    omics.advance(22 + 7 + 239 + 1)
    browser.open(omics.url)

    bars = browser.evaluate(
        "[...document.querySelectorAll('.gantt .bar')].map((bar) => {"
        "  const box = bar.getBoundingClientRect();"
        "  return [bar.querySelector('title').textContent, box.left, box.right, box.top]; })"
    )

    (waiting, running, align, sort) = bars
    assert [title.partition(",")[0] for title, *_ in bars] == [
        "sample-1: waited for resources",
        "sample-1: STOPPING",
        "task align: COMPLETED",
        "task sort: COMPLETED",
    ]
    # 29 s of 269 s; the tasks one after the other, below the run, and from where it runs.
    width = running[2] - waiting[1]
    assert waiting[2] - waiting[1] == pytest.approx(width * 29 / 269, abs=2)
    assert align[1] == pytest.approx(running[1], abs=2)
    assert sort[1] == pytest.approx(align[2], abs=2)
    assert align[3] == sort[3] > running[3]


def test_the_page_of_a_run_shows_what_went_in_and_what_came_out(browser: Browser, omics: LocalHealthOmics) -> None:
    run_id = start(omics, name="sample-1", parameters={"reads": "s3://bucket/r.fq", "threads": 4}, tags={"k": "v"})
    browser.open(omics.url)
    browser.follow("#runs tbody a")
    assert "has not ended" in browser.text("#outputs")

    objects: Any = omics.objects
    objects.put(f"s3://bucket/out/{run_id}/logs/outputs.json", '{"report": 42}')
    omics.run_until_idle()

    browser.wait("document.querySelector('#outputs').innerText.includes('\"report\": 42')")
    assert browser.evaluate("location.pathname") == f"/runs/{run_id}"
    rows = browser.evaluate(
        "[...document.querySelectorAll('#parameters tbody tr')].map((row) => [...row.cells].map((c) => c.innerText))"
    )
    assert rows == [["reads", '"s3://bucket/r.fq"'], ["threads", "4"]]
    assert "main" in browser.text("#tasks")
    assert "k = v" in browser.text("#details")
    assert browser.problems() == []


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_the_button_cancels_the_run(browser: Browser, omics: LocalHealthOmics, javascript: bool) -> None:  # noqa: FBT001
    run_id = start(omics, name="sample-1")
    omics.advance(60)
    browser.open(f"{omics.url}/runs/{run_id}", javascript=javascript)
    browser.click("#cancel-question")

    browser.follow("#cancel-button")

    assert "STOPPING" in browser.text("#status")
    assert browser.evaluate("document.querySelector('#cancel-button')") is None
    omics.run_until_idle()
    assert omics.call("GetRun", {"id": run_id})["status"] == "CANCELLED"
    (request,) = omics.requests("CancelRun")
    assert (request.input, request.status) == ({"id": run_id}, 202)
    assert browser.problems() == []


def test_an_opened_question_stays_open_while_the_page_changes(browser: Browser, omics: LocalHealthOmics) -> None:
    run_id = start(omics)
    browser.open(f"{omics.url}/runs/{run_id}")
    browser.click("#cancel-question")

    omics.advance(60)
    browser.wait("document.querySelector('#status').innerText.includes('RUNNING')")

    assert browser.evaluate("document.querySelector('#cancel-details').open") is True
    browser.follow("#cancel-button")
    assert "STOPPING" in browser.text("#status")


def test_what_users_write_is_text_and_nothing_else(browser: Browser, omics: LocalHealthOmics) -> None:
    nasty = {NASTY: NASTY, "list": [NASTY], "zero": "\0"}
    script = {"failure_reason": "WORKFLOW_RUN_FAILED", "status_message": NASTY, "tasks": [NASTY]}
    run_id = start(omics, name=NASTY, tags={NASTY: NASTY}, parameters={**nasty, "script": script})
    objects: Any = omics.objects
    objects.put(
        f"s3://bucket/out/{run_id}/logs/outputs.json", json.dumps({"report": f"</pre>{NASTY}", "half": "\ud800"})
    )
    omics.run_until_idle()

    for path in ("/", f"/runs/{run_id}", f"/?name={NASTY.replace('<', '%3C')}", f"/runs/{NASTY.replace('<', '%3C')}"):
        status = browser.open(f"{omics.url}{path}")

        assert browser.evaluate("[...document.scripts].map((each) => each.getAttribute('src'))") == ["/page.js"]
        assert browser.evaluate("document.querySelectorAll('img').length") == 0
        # The console tells of a page that was not found, and of nothing else.
        assert len(browser.problems()) == (status != 200)
    browser.open(f"{omics.url}/runs/{run_id}")
    assert browser.text("main").count(NASTY) >= 7


def test_a_page_without_javascript_says_the_same_and_loads_itself_again(
    browser: Browser, omics: LocalHealthOmics
) -> None:
    run_id = start(omics, name="sample-1")
    omics.advance(60)
    seen: list[list[str]] = []
    for javascript in (True, False):
        texts: list[str] = []
        for path in ("/", f"/runs/{run_id}"):
            browser.open(f"{omics.url}{path}", javascript=javascript)
            texts.append(browser.text())
        seen.append(texts)

    assert seen[0] == seen[1]
    assert "RUNNING" in seen[1][0]
    assert browser.evaluate("document.querySelector('meta[http-equiv=refresh]').content") == "10"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_telephone(browser: Browser, omics: LocalHealthOmics, scheme: str) -> None:
    long = "a" * 120
    script = {"failure_reason": "RUN_TASK_FAILED", "status_message": "x" * 300, "tasks": [long]}
    run_id = start(omics, name=long, tags={long: long}, parameters={long: long, "script": script})
    omics.run_until_idle()

    for path in ("/", f"/runs/{run_id}", "/runs/1"):
        browser.open(f"{omics.url}{path}", width=400, scheme=scheme)

        assert browser.evaluate("document.documentElement.scrollWidth") == 400


def test_it_says_so_when_the_endpoint_is_gone(browser: Browser) -> None:
    with local_healthomics(accept_unknown_references=True) as omics:
        start(omics)
        browser.open(omics.url)
        assert browser.text("#connection") == ""

    browser.wait("document.querySelector('#connection').innerText.includes('does not answer')")


def test_a_foreign_page_cannot_press_the_button(browser: Browser, omics: LocalHealthOmics) -> None:
    run_id = start(omics)
    browser.open(f"{omics.url}/runs/{run_id}")
    token = browser.evaluate("document.querySelector('input[name=token]').value")
    fields = f"token={token}&uuid={omics.runs()[0].uuid}"

    with local_healthomics() as foreign:
        # Not from the page of that endpoint, whose own policy forbids it, but from an answer that has none.
        browser.open(f"{foreign.url}/run")
        answer = browser.evaluate(
            f"fetch('{omics.url}/runs/{run_id}/cancel', {{method: 'POST', mode: 'no-cors', body: '{fields}',"
            " headers: {'Content-Type': 'application/x-www-form-urlencoded'}}).catch(() => 'unreadable')"
        )

    assert answer == "unreadable"
    assert omics.requests("CancelRun") == []
