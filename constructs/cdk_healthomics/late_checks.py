"""Checks of what may still change after a run was defined."""

from typing import TYPE_CHECKING

import aws_cdk as cdk
import jsii
from aws_cdk import aws_iam as iam
from constructs import Construct, IValidation

from cdk_healthomics.advice import advise_on_session_policy
from cdk_healthomics.session_policies import policy_document_problems
from cdk_healthomics.validation import tag_problems

if TYPE_CHECKING:
    from collections.abc import Mapping


@jsii.implements(IValidation)
class ChecksAtSynth:
    """Checks of what may still change after the run was defined."""

    def __init__(self, run: Construct, tags: cdk.TagManager, session_policy: iam.PolicyDocument | None) -> None:
        self._run = run
        self._tags = tags
        self._session_policy = session_policy

    def validate(self) -> list[str]:
        """What is wrong."""
        problems = list(tag_problems(self._tags.tag_values()))
        if self._session_policy is not None:
            policy: Mapping[str, object] | None = cdk.Stack.of(self._run).resolve(self._session_policy)
            found = list(policy_document_problems(policy))
            problems += found
            if policy is not None and not found:
                advise_on_session_policy(self._run, policy)
        return problems
