"""Carries HealthOmics' events to the local EventBridge, without ever holding up a run."""

import contextlib
import json
import logging
import queue
import threading
import urllib.request
from collections.abc import Mapping
from typing import Any, Final

EVENTS_PATH: Final = "/_ext/events"
MAX_WAITING: Final = 10_000
logger = logging.getLogger(__name__)


def as_put_events(event: Mapping[str, Any]) -> dict[str, Any]:
    """Turn an event as targets see it into the PutEvents request that produces it."""
    return {
        "Entries": [
            {
                "Source": event["source"],
                "DetailType": event["detail-type"],
                "Detail": json.dumps(event["detail"]),
                "Resources": list(event.get("resources", [])),
            }
        ]
    }


class EventForwarder:
    """A queue and one thread; an event that finds no EventBridge is dropped: AWS's are best-effort too."""

    def __init__(self, *, endpoint_url: str, region: str) -> None:
        self._url = f"{endpoint_url}{EVENTS_PATH}"
        self._region = region
        self._queue: queue.Queue[Mapping[str, Any] | None] = queue.Queue(maxsize=MAX_WAITING)
        self._thread = threading.Thread(target=self._forward, name="event-forwarder", daemon=True)

    def start(self) -> None:
        """Begin to forward."""
        self._thread.start()

    def __call__(self, event: dict[str, Any]) -> None:
        """Take one event; returns at once."""
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            logger.warning("more than %d events wait; dropped one", MAX_WAITING)

    def stop(self) -> None:
        """Stop forwarding; events that still wait are dropped."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(None)

    def _forward(self) -> None:
        while (event := self._queue.get()) is not None:
            try:
                self._send(event)
            except (OSError, ValueError, KeyError) as error:
                logger.warning("event not delivered: %s", error)

    def _send(self, event: Mapping[str, Any]) -> None:
        request = urllib.request.Request(  # noqa: S310 - our own loopback address
            self._url,
            data=json.dumps(as_put_events(event)).encode(),
            headers={"Content-Type": "application/json", "X-Aws-Region": self._region},
            method="POST",
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            failed = json.loads(answer.read()).get("FailedEntryCount", 0)
        if failed:
            raise ValueError(f"EventBridge refused {failed} entries")
