"""The role by which stacks of other accounts read the outputs of a stack."""

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_healthomics import linters
from cdk_healthomics.jsii_protocols import as_principal

LIKELY_READER: Final = "@cdk-healthomics/workflow-run:crossAccountReaderByName"

_CONSTRUCT_ID: Final = "HealthOmicsRunOutputReader"
_STACK_REASON: Final = "the last part of a stack's ARN is known only once the stack exists"


class OutputReader(Construct):
    """A role that may read the outputs of its stack, for CloudFormation in other accounts.

    One for each stack. Its name is made up at synth, so that the templates of other stacks can say it.
    """

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._role: iam.Role | None = None
        self._readers: set[str] = set()

    @staticmethod
    def of(stack: cdk.Stack) -> "OutputReader":
        """The reader of a stack; defines it if there is none yet."""
        found = stack.node.try_find_child(_CONSTRUCT_ID)
        return found if isinstance(found, OutputReader) else OutputReader(stack, _CONSTRUCT_ID)

    def role_for(self, consumer: cdk.Stack) -> str:
        """ARN of the role, once CloudFormation may assume it to deploy the other stack.

        Raises:
            ValueError: Nobody knows with which role CloudFormation deploys it.
        """
        place = f"{consumer.account}/{consumer.region}/{consumer.synthesizer.cloud_formation_execution_role}"
        if self._role is None:
            self._role = self._new_role(self._reader(consumer))
        elif place not in self._readers and self._role.assume_role_policy is not None:
            reader = self._reader(consumer)
            self._role.assume_role_policy.add_statements(
                iam.PolicyStatement(
                    actions=["sts:AssumeRole"],
                    principals=[as_principal(reader)],
                    conditions=dict(reader.policy_fragment.conditions),
                )
            )
        self._readers.add(place)
        return self._role.role_arn

    def _reader(self, consumer: cdk.Stack) -> iam.PrincipalBase:
        """The role with which CloudFormation deploys a stack; its likely names, where the synthesizer hides it."""
        synthesizer = consumer.synthesizer
        if (arn := synthesizer.cloud_formation_execution_role) is not None:
            return iam.ArnPrincipal(arn.replace("${AWS::Partition}", cdk.Aws.PARTITION))
        producer = cdk.Stack.of(self).node.path
        if not isinstance(synthesizer, cdk.DefaultStackSynthesizer):
            raise ValueError(  # noqa: TRY004 - no caller has given a wrong type
                f"{consumer.node.path} refers to a run of {producer}, in another account, but its synthesizer names no "
                "role of CloudFormation that could be allowed to read it: use DefaultStackSynthesizer"
            )
        # jsii shows a synthesizer that was given in Python as it is before it knows its stack, and so without roles.
        roles = f"cdk-*-cfn-exec-role-{consumer.account}-{consumer.region}"
        cdk.Annotations.of(self).add_info_v2(
            LIKELY_READER,
            f"{consumer.node.path} refers to a run of {producer}, in another account, and has its own synthesizer. "
            f"The CDK does not tell in Python which role that has CloudFormation use: {roles} may read the outputs of "
            f"{producer}. If it is called otherwise, let it assume {self.node.path}/Role, or leave the synthesizer out",
        )
        return iam.PrincipalWithConditions(
            as_principal(iam.AccountPrincipal(consumer.account)),
            {"ArnLike": {"aws:PrincipalArn": f"arn:{cdk.Aws.PARTITION}:iam::{consumer.account}:role/{roles}"}},
        )

    def _new_role(self, reader: iam.PrincipalBase) -> iam.Role:
        stack = cdk.Stack.of(self)
        role = iam.Role(
            self,
            "Role",
            role_name=cdk.PhysicalName.GENERATE_IF_NEEDED,
            assumed_by=as_principal(reader),
            description="Reads the outputs of the stack for stacks of other accounts (cdk-healthomics)",
        )
        arn = stack.format_arn(service="cloudformation", resource="stack", resource_name=f"{stack.stack_name}/*")
        role.add_to_policy(iam.PolicyStatement(actions=["cloudformation:DescribeStacks"], resources=[arn]))
        linters.acknowledge_wildcards(role, [arn], _STACK_REASON)
        linters.acknowledge_inline_policy(role)
        return role
