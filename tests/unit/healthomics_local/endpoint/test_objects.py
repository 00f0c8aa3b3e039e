from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from healthomics_local.endpoint.objects import (
    MemoryObjectStore,
    ObjectNotFoundError,
    ObjectStoreError,
    S3ObjectStore,
    S3Uri,
)


@given(st.text("abc-.", min_size=1), st.text())
def test_an_address_survives_being_written_and_read(bucket: str, key: str) -> None:
    assert S3Uri.parse(str(S3Uri(bucket, key))) == S3Uri(bucket, key)


@pytest.mark.parametrize("text", ["", "s3://", "s3:///key", "https://bucket/key", "bucket/key"])
def test_other_texts_are_no_addresses(text: str) -> None:
    with pytest.raises(ValueError, match="S3 URI"):
        S3Uri.parse(text)


def test_a_path_below_an_address_has_one_slash() -> None:
    assert str(S3Uri.parse("s3://b/out/") / "logs" / "x") == "s3://b/out/logs/x"
    assert str(S3Uri.parse("s3://b") / "x") == "s3://b/x"


def test_the_store_in_memory_keeps_objects(tmp_path: Path) -> None:
    store = MemoryObjectStore()
    source = tmp_path / "source"
    source.write_bytes(b"\x00\xff")

    store.upload(source, S3Uri("b", "k"))
    store.download(S3Uri("b", "k"), tmp_path / "target")

    assert (tmp_path / "target").read_bytes() == b"\x00\xff"
    with pytest.raises(ObjectNotFoundError):
        store.get("s3://b/none")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject"), ObjectNotFoundError),
        (ClientError({"Error": {"Code": "NoSuchBucket"}}, "GetObject"), ObjectNotFoundError),
        (ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject"), ObjectStoreError),
        (EndpointConnectionError(endpoint_url="http://x"), ObjectStoreError),
    ],
)
def test_errors_of_s3_are_told_apart(error: Exception, expected: type[Exception], tmp_path: Path) -> None:
    class Client:
        def get_object(self, **_: Any) -> Any:
            raise error

        put_object = head_object = get_object

        def get_paginator(self, name: str) -> Any:
            raise error

        def close(self) -> None:
            pass

    store = S3ObjectStore(endpoint_url="http://127.0.0.1:1", region="us-east-1")
    store._client = Client()
    (tmp_path / "source").write_text("x")

    with pytest.raises(expected) as failed:
        store.download(S3Uri("b", "k"), tmp_path / "target")
    assert type(failed.value) is expected
    with pytest.raises(expected):
        store.upload(tmp_path / "source", S3Uri("b", "k"))
    with pytest.raises(expected):
        list(store.keys(S3Uri("b", "k")))
    with pytest.raises(expected):
        store.describe(S3Uri("b", "k"))
    store.close()


def test_another_content_has_another_etag() -> None:
    store = MemoryObjectStore()
    found = []
    for content in ("one", "three", "one"):
        store.put("s3://b/k", content)
        found.append(store.describe(S3Uri("b", "k")))

    assert found[0] == found[2] != found[1]
    assert [each.size for each in found] == [3, 5, 3]
    assert all(each.etag.startswith('"') and each.etag.endswith('"') for each in found)
    with pytest.raises(ObjectNotFoundError):
        store.describe(S3Uri("b", "none"))
