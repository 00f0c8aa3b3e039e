"""Physical resource ids: what CloudFormation remembers for us. Pure.

A run's physical id holds everything that its attributes need, so that an Update can answer in full after the run's
record is gone (retention REMOVE), and nothing else, so that a rollback can rebuild the very same text:

    run|<id>|<uuid>|<spec digest>|<output URI>

A request that has started nothing, or does not know, answers with a marker:

    request|<RequestId>|<none or unknown>|<run name>

Everything else is an id that CloudFormation invented because no valid answer arrived.
"""

from dataclasses import dataclass

PHYSICAL_ID_MAX_BYTES = 1024
_RUN = "run"
_REQUEST = "request"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunIdentity:
    """One run, for ever: HealthOmics reuses ids of deleted runs, so only the uuid tells them apart."""

    run_id: str
    uuid: str
    spec_digest: str
    output_uri: str

    def physical_id(self) -> str:
        """Return the id for CloudFormation; the limit on the output URI keeps it within 1,024 bytes."""
        return "|".join((_RUN, *map(quote, (self.run_id, self.uuid, self.spec_digest, self.output_uri))))


@dataclass(frozen=True, kw_only=True, slots=True)
class Marker:
    """A request whose answer could not name a run."""

    request_id: str
    may_have_started: bool
    """True if StartRun's outcome is unknown. For people: its Delete looks for a run in both cases."""
    name: str
    """The run name to look for."""

    def physical_id(self) -> str:
        """Return the id for CloudFormation; a run name has at most 128 characters, so it always fits."""
        outcome = "unknown" if self.may_have_started else "none"
        return "|".join((_REQUEST, quote(self.request_id), outcome, quote(self.name)))


@dataclass(frozen=True, kw_only=True, slots=True)
class InventedId:
    """An id that is not ours: CloudFormation made it up (``<stack>-<logical id>-<suffix>``)."""

    text: str


PhysicalId = RunIdentity | Marker | InventedId


def parse_physical_id(text: str) -> PhysicalId:
    """Read a physical id back; whatever we did not write is an :class:`InventedId`."""
    kind, *quoted = text.split("|")
    match kind, [unquote(field) for field in quoted]:
        case "run", [run_id, uuid, spec_digest, output_uri] if run_id and uuid:
            return RunIdentity(run_id=run_id, uuid=uuid, spec_digest=spec_digest, output_uri=output_uri)
        case "request", [request_id, ("none" | "unknown") as outcome, name]:
            return Marker(request_id=request_id, may_have_started=outcome == "unknown", name=name)
        case _:
            return InventedId(text=text)


def quote(text: str) -> str:
    """Escape a field; a percent sign or a bar then takes three bytes."""
    return text.replace("%", "%25").replace("|", "%7C")


def unquote(text: str) -> str:
    """Read a field back."""
    return text.replace("%7C", "|").replace("%25", "%")
