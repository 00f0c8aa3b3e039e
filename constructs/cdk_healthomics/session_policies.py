"""What HealthOmics would refuse of a session policy.

Its length is that of the text that StartRun gets: a mapping is written in ASCII (``parameters``), a policy document as
the CDK writes it. What only the deployment knows counts for nothing, and what is known beside it counts.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from cdk_healthomics.parameters import json_problems, json_text
from cdk_healthomics.tokens import is_string_token, literal_text

_LIMIT: Final = 2048
_INTRINSIC: Final = re.compile(r"Ref|Fn::\w+")


def session_policy_problems(policy: Mapping[str, object]) -> Iterator[str]:
    """What is wrong with a session policy that was given as a mapping."""
    problems = list(json_problems(policy, "session_policy"))
    yield from problems or _problems(policy, len(json_text(policy, _least, compact=True)))


def policy_document_problems(policy: Mapping[str, object] | None) -> Iterator[str]:
    """What is wrong with a session policy that was given as a policy document.

    Args:
        policy: The document as the template has it, with intrinsic functions in it; None if it is empty.
    """
    text = json.dumps(_known(policy), separators=(",", ":"), ensure_ascii=False)
    yield from _problems(policy or {}, len(text))


def _problems(policy: Mapping[str, object], length: int) -> Iterator[str]:
    if not policy.get("Statement"):
        yield (
            "session_policy has no statement, and so would allow the run nothing, if HealthOmics took it: add what "
            "the run needs, or drop session_policy for all that the role allows"
        )
    if length > _LIMIT:
        yield (
            f"session_policy has {length} characters as JSON, but HealthOmics takes at most {_LIMIT}: shorten it, or "
            "narrow the role instead"
        )


def _least(token: object) -> str:
    """The shortest JSON that a deploy-time value can become."""
    # The CDK writes what stands beside a token, and leaves it as it is.
    return json.dumps(literal_text(token), ensure_ascii=False) if is_string_token(token) else "0"


def _known(value: object) -> object:
    """A value of a template without what only the deployment knows."""
    match value:
        case Mapping():
            members = cast("Mapping[str, object]", value)
            if len(members) == 1 and _INTRINSIC.fullmatch(name := next(iter(members))):
                return _literals(members[name]) if name == "Fn::Join" else 0
            return {key: _known(member) for key, member in members.items()}
        case Sequence() if not isinstance(value, str):
            return [_known(item) for item in cast("Sequence[object]", value)]
        case _:
            return value


def _literals(joined: object) -> str:
    """The texts among the arguments of Fn::Join, which stand in what it becomes."""
    _, parts = cast("Sequence[object]", joined)
    return "".join(part for part in cast("Sequence[object]", parts) if isinstance(part, str))
