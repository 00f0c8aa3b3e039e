"""A custom resource provider that does what its resource's properties say, and notes every event it gets.

It runs in MiniStack's Lambda workers, which share this machine's file system: the notes are a file.
"""

import json
import logging
import urllib.request
from pathlib import Path
from typing import Any

logger = logging.getLogger(__name__)
logger.setLevel("INFO")


def handler(event: dict[str, Any], _context: object) -> None:
    properties = event["ResourceProperties"]
    with Path(properties["Notes"]).open("a") as notes:
        notes.write(json.dumps(event) + "\n")
    logger.info("handling %s", event["RequestType"])
    # Each step is "ok <id>", "fail <id>", "crash" or "silent"; all of them are done, in this order.
    script = properties.get(f"On{event['RequestType']}", "ok")
    for step in script.split(","):
        verb, _, physical_id = step.strip().partition(" ")
        if verb == "crash":
            raise RuntimeError("told to crash")
        if verb == "silent":
            return
        answer(
            event,
            "SUCCESS" if verb == "ok" else "FAILED",
            physical_id or event.get("PhysicalResourceId", "id"),
            properties,
        )


def answer(event: dict[str, Any], status: str, physical_id: str, properties: dict[str, str]) -> None:
    body = {
        "Status": status,
        "Reason": "told to fail" if status == "FAILED" else "",
        "PhysicalResourceId": physical_id,
        "Data": {"Flag": True, "Count": 3, "Text": "text"},
        **{key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")},
        **json.loads(properties.get("Answer", "{}")),
    }
    request = urllib.request.Request(event["ResponseURL"], data=json.dumps(body).encode(), method="PUT")
    urllib.request.urlopen(request).close()
