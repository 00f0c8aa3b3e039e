"""Where the outputs of a run go, as the run is told."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3


@dataclass(frozen=True, slots=True)
class OutputLocation:
    """The one place for the outputs of a run."""

    uri: str
    """``s3://bucket/prefix``; empty if there is no one place."""

    problems: tuple[str, ...] = ()
    """What is wrong with what was given."""


def output_location(output_uri: str | None, output_bucket: "s3.IBucket | None", output_prefix: str) -> OutputLocation:
    """Where the outputs go, of two ways to say it."""
    if (output_uri is None) == (output_bucket is None):
        given = "both are given" if output_uri is not None else "neither is given"
        return OutputLocation(
            "", (f"a run has one place for its outputs, but {given}: give output_uri or output_bucket",)
        )
    if output_bucket is None:
        if output_prefix:
            return OutputLocation(
                "", (f"output_prefix is {output_prefix!r}, but it belongs to output_bucket: put it into output_uri",)
            )
        return OutputLocation(output_uri or "")
    if output_prefix.startswith("/"):
        return OutputLocation("", (f"output_prefix is {output_prefix!r}: leave out the slash before it",))
    return OutputLocation(output_bucket.s3_url_for_object(output_prefix or None))
