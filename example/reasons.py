"""Why the example does without what checkers ask for: the reason stands beside the resource."""

from collections.abc import Sequence

import aws_cdk as cdk
from constructs import IConstruct


def accept(construct: IConstruct, reason: str, *, rules: Sequence[str], checkov: Sequence[str] = ()) -> None:
    """Say why cdk-nag's rules (by the ids that it prints) and checkov's checks do not apply to a construct."""
    cdk.Validations.of(construct).acknowledge(*(cdk.Acknowledgment(id=rule, reason=reason) for rule in rules))
    resource = construct.node.default_child
    if checkov and isinstance(resource, cdk.CfnResource):
        before = resource.get_metadata("checkov") or {"skip": []}
        skip = [*before["skip"], *({"id": check, "comment": reason} for check in checkov)]
        resource.add_metadata("checkov", {"skip": skip})


def in_packs(*rules: str) -> list[str]:
    """The ids of a rule in the packs for HIPAA and for NIST 800-53."""
    return [f"{pack}-{rule}" for pack in ("HIPAA.Security", "NIST.800.53.R5") for rule in rules]
