"""Reads what a HealthOmics run has computed, once it is COMPLETED."""

import json
import os
from typing import Any
from urllib.parse import urlsplit

import boto3

s3 = boto3.client("s3")


def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Return the run's summary.

    HealthOmics lists the outputs of a run in ``logs/outputs.json`` under its output URI, by their names in the
    workflow.
    """
    try:
        outputs = read_json(f"{os.environ['RUN_OUTPUT_URI']}/logs/outputs.json")
    except s3.exceptions.NoSuchKey:
        return {"status": "the run has not written its outputs yet"}
    return read_json(outputs["summary"]["location"])


def read_json(uri: str) -> dict[str, Any]:
    """Read a JSON object from S3."""
    parts = urlsplit(uri)
    body = s3.get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))["Body"].read()
    return json.loads(body)
