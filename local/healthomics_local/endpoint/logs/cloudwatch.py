"""Log entries to CloudWatch Logs of a local AWS, without ever holding up a run."""

from __future__ import annotations

import logging
import queue
import threading
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from healthomics_local.endpoint.logs.sink import LOG_GROUP, LogEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

logger = logging.getLogger(__name__)

MAX_WAITING: Final = 100_000
CLOSE_SECONDS: Final = 5.0
# The limits of PutLogEvents; each event counts 26 bytes more than its message.
MAX_BATCH_EVENTS: Final = 10_000
MAX_BATCH_BYTES: Final = 1_048_576
EVENT_OVERHEAD_BYTES: Final = 26
MAX_MESSAGE_BYTES: Final = 262_144


class CloudWatchLogs:
    """A queue and one thread. Entries that cannot be delivered are dropped, with a warning in the log.

    The timestamps are those of the endpoint's clock. CloudWatch itself refuses times that lie more than 14 days
    back or two hours ahead; a local one takes what a virtual clock shows.

    Args:
        endpoint_url: The local AWS.
        region: Its Region.
    """

    def __init__(self, *, endpoint_url: str, region: str) -> None:
        self._endpoint_url = endpoint_url
        self._region = region
        self._queue: queue.Queue[Sequence[LogEntry] | None] = queue.Queue(maxsize=MAX_WAITING)
        self._thread = threading.Thread(target=self._work, name="healthomics-logs", daemon=True)
        self._known: set[str] = set()

    def start(self) -> None:
        """Begin to deliver; what was written before waits in the queue."""
        self._thread.start()

    def write(self, entries: Sequence[LogEntry], /) -> None:
        """Take some entries; returns at once."""
        try:
            self._queue.put_nowait(entries)
        except queue.Full:
            logger.warning("more than %d log entries wait; dropped %d", MAX_WAITING, len(entries))

    def stop(self) -> None:
        """Deliver what waits, for some seconds at most, and stop."""
        if not self._thread.is_alive():
            return
        try:
            self._queue.put(None, timeout=CLOSE_SECONDS)
        except queue.Full:
            return
        self._thread.join(timeout=CLOSE_SECONDS)

    def _work(self) -> None:
        from healthomics_local.endpoint.clients import aws_client  # noqa: PLC0415 - boto3 is slow to import

        client = aws_client("logs", self._endpoint_url, region=self._region)
        try:
            while (entries := self._queue.get()) is not None:
                waiting, more = self._drained(entries)
                for stream, batch in batches(waiting):
                    self._deliver(client, stream, batch)
                if not more:
                    return
        finally:
            client.close()

    def _drained(self, first: Sequence[LogEntry]) -> tuple[list[LogEntry], bool]:
        """Everything that waits by now, and whether more can come."""
        entries = list(first)
        while len(entries) < MAX_BATCH_EVENTS:
            try:
                following = self._queue.get_nowait()
            except queue.Empty:
                break
            if following is None:
                return entries, False
            entries += following
        return entries, True

    def _deliver(self, client: Any, stream: str, events: list[dict[str, Any]]) -> None:
        try:
            try:
                self._put(client, stream, events)
            except client.exceptions.ResourceNotFoundException:
                # Somebody has deleted the group or the stream meanwhile.
                self._known.discard(stream)
                self._put(client, stream, events)
        except (BotoCoreError, ClientError) as error:
            logger.warning("%d log entries for %s not delivered: %s", len(events), stream, error)

    def _put(self, client: Any, stream: str, events: list[dict[str, Any]]) -> None:
        if stream not in self._known:
            _create(client.create_log_group, logGroupName=LOG_GROUP)
            _create(client.create_log_stream, logGroupName=LOG_GROUP, logStreamName=stream)
            self._known.add(stream)
        answer = client.put_log_events(logGroupName=LOG_GROUP, logStreamName=stream, logEvents=events)
        if rejected := answer.get("rejectedLogEventsInfo"):
            logger.warning("log entries for %s rejected: %s", stream, rejected)


def batches(entries: Sequence[LogEntry]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The entries as requests of PutLogEvents: by stream, in order of time, within the limits of size."""
    by_stream: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        by_stream.setdefault(entry.stream, []).append(_event(entry))
    for stream, events in by_stream.items():
        batch: list[dict[str, Any]] = []
        size = 0
        for event in sorted(events, key=lambda each: each["timestamp"]):
            event_size = len(event["message"].encode()) + EVENT_OVERHEAD_BYTES
            if batch and (size + event_size > MAX_BATCH_BYTES or len(batch) == MAX_BATCH_EVENTS):
                yield stream, batch
                batch, size = [], 0
            batch.append(event)
            size += event_size
        yield stream, batch


def _event(entry: LogEntry) -> dict[str, Any]:
    message = entry.message
    if len(message.encode()) > MAX_MESSAGE_BYTES:
        message = message.encode()[:MAX_MESSAGE_BYTES].decode(errors="ignore")
    # An empty message is refused, but an empty line of a tool's output is a line.
    return {"timestamp": int(entry.timestamp.timestamp() * 1000), "message": message or " "}


def _create(operation: Any, **members: str) -> None:
    try:
        operation(**members)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ResourceAlreadyExistsException":
            raise
