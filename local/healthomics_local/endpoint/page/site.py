"""The page's side of HTTP: which address shows what, and what no browser may be allowed."""

from __future__ import annotations

from functools import cache
from html import escape
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from healthomics_local.endpoint.clock import VirtualClock
from healthomics_local.endpoint.errors import ConflictException, ServiceError, ValidationException
from healthomics_local.endpoint.messages import Request, Response
from healthomics_local.endpoint.page import run_details, run_list
from healthomics_local.endpoint.page.access import FormToken, check_reader
from healthomics_local.endpoint.page.elements import element, joined
from healthomics_local.endpoint.page.layout import Site, document
from healthomics_local.endpoint.page.moments import moment
from healthomics_local.endpoint.page.outputs import OutputReader
from healthomics_local.endpoint.page.run_list import PAGE_SIZE, RunPage, Selection
from healthomics_local.endpoint.statuses import RunStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from healthomics_local.endpoint.backend import Backend
    from healthomics_local.endpoint.objects import ObjectStore
    from healthomics_local.endpoint.page.elements import Child
    from healthomics_local.endpoint.records import Run

_FILES = {"/page.css": "text/css", "/page.js": "text/javascript", "/page.svg": "image/svg+xml"}
_RUNS = "/runs/"
_CANCEL = "/cancel"
_MAX_FORM_BYTES = 4096
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Not no-referrer: that makes browsers send "Origin: null" with the page's own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class Page:
    """Serves the page and its files."""

    def __init__(
        self, backend: Backend, objects: ObjectStore, call: Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
    ) -> None:
        self._backend = backend
        self._call = call
        self._outputs = OutputReader(objects)
        self._token = FormToken()

    @staticmethod
    def serves(path: str) -> bool:
        """Whether a path belongs to the page; HealthOmics has none of them."""
        return path == "/" or path in _FILES or path.startswith(_RUNS)

    def handle(self, request: Request) -> Response:
        """Answer one request; what goes wrong becomes a page as well.

        Raises:
            ConnectionDropped: A fault says that there is no response.
        """
        try:
            check_reader(request)
        except ServiceError as error:
            # Whoever that is: not a word about the endpoint.
            return _plain(error.http_status, error.message)
        try:
            return self._answer(request)
        except ServiceError as error:
            return self._failure(error)

    def _answer(self, request: Request) -> Response:
        if request.path.startswith(_RUNS) and request.path.endswith(_CANCEL):
            if request.method != "POST":
                return _not_allowed("POST")
            return self._cancel(request, request.path.removeprefix(_RUNS).removesuffix(_CANCEL))
        if request.method not in {"GET", "HEAD"}:
            return _not_allowed("GET, HEAD")
        if request.path in _FILES:
            return _file(request.path)
        if request.path == "/":
            return self._list(Selection.from_query(request.query), request)
        return self._details(request.path.removeprefix(_RUNS))

    def _list(self, shown: Selection, request: Request) -> Response:
        page = self._page(shown)
        url = f"http://{request.headers['host']}"
        content = run_list.content(page, shown, now=self._backend.now(), url=url)
        return self._html("Runs", content, changes=True)

    def _page(self, shown: Selection) -> RunPage:
        state = self._backend.state
        with state.transaction():
            found = list(islice(state.runs.newest(shown.wanted, before=shown.before), PAGE_SIZE + 1))
            counts = {status: state.runs.count(status) for status in RunStatus}
        return RunPage(runs=found[:PAGE_SIZE], more=len(found) > PAGE_SIZE, counts=counts)

    def _details(self, run_id: str) -> Response:
        run = self._run(run_id)
        outputs = self._outputs.read(run)
        content = run_details.content(run, outputs, now=self._backend.now(), token=self._token.value)
        return self._html(run.name or f"Run {run.run_id}", content, changes=not run.status.is_terminal)

    def _run(self, run_id: str) -> Run:
        with self._backend.state.transaction():
            return self._backend.state.run(run_id)

    def _cancel(self, request: Request, run_id: str) -> Response:
        form = _form(request)
        self._token.check(request, form.get("token", ""))
        # Ids are used again: the run that was seen may be gone, and another one have its id.
        if self._run(run_id).uuid != form.get("uuid"):
            raise ConflictException(f"Run {run_id} is another run by now: look at it again")
        self._call("CancelRun", {"id": run_id})
        return Response(status=303, headers={**_HEADERS, "Location": f"{_RUNS}{run_id}"})

    def _failure(self, error: ServiceError) -> Response:
        content: list[Child] = [
            element("h1", error.code),
            element("p", error.message, class_="failure"),
            element("p", element("a", "All runs", href="/")),
        ]
        return self._html(error.code, content, changes=False, status=error.http_status)

    def _html(self, title: str, content: list[Child], *, changes: bool, status: int = 200) -> Response:
        settings, clock = self._backend.settings, self._backend.clock
        kind = " (virtual clock)" if isinstance(clock, VirtualClock) else " UTC"
        site = Site(region=settings.region, account_id=settings.account_id, clock=joined(moment(clock.now()), kind))
        text = document(title, *content, site=site, changes=changes)
        headers = {**_HEADERS, "Content-Type": "text/html; charset=utf-8"}
        # JSON can name halves of a character, which have no encoding.
        return Response(status=status, headers=headers, body=text.encode("utf-8", "replace"))


def _form(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded" or len(request.body) > _MAX_FORM_BYTES:
        raise ValidationException("the button of a run sends a small form, and this is something else")
    fields = parse_qs(request.body.decode("utf-8", "replace"))
    return {name: values[-1] for name, values in fields.items()}


def _file(path: str) -> Response:
    headers = {**_HEADERS, "Content-Type": f"{_FILES[path]}; charset=utf-8", "Cache-Control": "no-cache"}
    return Response(status=200, headers=headers, body=_content(path.removeprefix("/")))


@cache
def _content(name: str) -> bytes:
    return files("healthomics_local.endpoint.page").joinpath("static", name).read_bytes()


def _not_allowed(methods: str) -> Response:
    return _plain(405, f"only {methods} here", {"Allow": methods})


def _plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    body = f"<!DOCTYPE html><title>Local HealthOmics</title><p>{escape(text)}</p>"
    html = {**_HEADERS, "Content-Type": "text/html; charset=utf-8", **(headers or {})}
    return Response(status=status, headers=html, body=body.encode())
