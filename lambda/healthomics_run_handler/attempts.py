"""What a run remembers about attempts to replace it. Pure.

It is one tag on the run, written *before* StartRun of a replacement, so that whatever becomes of the attempt, the
Delete of the run, or the Update back to it, knows that there may be another run, under which name, started by whom:

    <newest request> <request>:<name> <request>:<name> … [+]

*Newest request* is the date at which CloudFormation sent the newest request that reached the run, a rollback's too. A
delivery of an older request is late: a newer one has put the resource into a state that looks just like its own.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from healthomics_run_handler.tag_text import TAG_VALUE_LIMIT, escape, unescape

_NO_DATE = "-"
_MORE = "+"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One request that tried to replace the run."""

    request: str
    """Digest of its RequestId."""
    name: str
    """Name of the run that it may have started."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempts:
    """All that is known."""

    newest: str = ""
    """Date of the newest request; empty if unknown."""
    known: tuple[Attempt, ...] = ()
    """The latest first."""
    more: bool = False
    """Whether there were more than fit into a tag."""

    @property
    def any(self) -> bool:
        """Whether some run may have been started to replace this one."""
        return bool(self.known) or self.more

    @property
    def has_history(self) -> bool:
        """Whether an Update or a rollback has ever reached the run: then the stack held it."""
        return self.any or bool(self.newest)

    def is_newer_than(self, sent_at: str) -> bool:
        """Whether a request that was sent then is late; never if a date is missing."""
        return bool(sent_at) and self.newest > sent_at

    def seen(self, sent_at: str) -> "Attempts":
        """Return what is known after a request of that date has reached the run."""
        return replace(self, newest=max(self.newest, sent_at))

    def made_by(self, request_id: str, name: str) -> "Attempts":
        """Return what is known once a request tries as well; the same if it has already."""
        attempt = Attempt(request=request_digest(request_id), name=name)
        others = (each for each in self.known if each.request != attempt.request)
        return replace(self, known=(attempt, *others))

    def withdrawn_by(self, request_id: str) -> "Attempts":
        """Return what is known once a request has certainly started nothing."""
        digest = request_digest(request_id)
        return replace(self, known=tuple(each for each in self.known if each.request != digest))

    def has(self, request_id: str) -> bool:
        """Whether a request has tried before."""
        return request_digest(request_id) in [each.request for each in self.known]

    def latest_by(self, request_id: str) -> bool:
        """Whether the newest attempt is this request's, in whichever sending."""
        return bool(self.known) and self.known[0].request == request_digest(request_id)

    def only_by(self, request_id: str) -> bool:
        """Whether no other request has tried."""
        return not self.more and [each.request for each in self.known] == [request_digest(request_id)]

    def settled(self) -> "Attempts":
        """Return what is known once every attempt has been dealt with."""
        return replace(self, known=(), more=False)

    def to_tag(self) -> str:
        """Return the tag's value, empty if nothing is known; the oldest attempts give way if they do not all fit."""
        known, more = list(self.known), self.more
        while len(text := self._text(known, more=more)) > TAG_VALUE_LIMIT and len(known) > 1:
            known.pop()
            more = True
        return text[:TAG_VALUE_LIMIT]

    def _text(self, known: Iterable[Attempt], *, more: bool) -> str:
        words = [f"{each.request}:{escape(each.name).replace(' ', '=20')}" for each in known]
        words += [_MORE] if more else []
        return " ".join([self.newest or _NO_DATE, *words]) if words or self.newest else ""


def parse_attempts(tag: str) -> Attempts:
    """Read the tag's value."""
    newest, *words = tag.split(" ")
    known = [word.partition(":") for word in words if ":" in word]
    return Attempts(
        newest="" if newest == _NO_DATE else newest,
        known=tuple(Attempt(request=request, name=unescape(name)) for request, _, name in known),
        more=_MORE in words,
    )


def request_digest(request_id: str) -> str:
    """Tell requests apart in few characters."""
    return hashlib.sha256(request_id.encode()).hexdigest()[:8]
