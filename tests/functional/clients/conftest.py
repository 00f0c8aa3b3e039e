"""Other people's clients against an endpoint that verifies their signatures and checks what they may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import foreign_clients
from healthomics_local.endpoint.authorization.policy_authorizer import PolicyAuthorizer, Principal, Role
from healthomics_local.testing import local_healthomics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from healthomics_local.endpoint import LocalHealthOmics

EVERYTHING = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
CLIENT = Principal(
    arn="arn:aws:iam::123456789012:user/client",
    access_key_id="AKIDEXAMPLE",
    secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    policies=[EVERYTHING],
)
RUN_ROLE = Role(
    arn="arn:aws:iam::123456789012:role/run",
    trust_policy={
        "Statement": {"Effect": "Allow", "Principal": {"Service": "omics.amazonaws.com"}, "Action": "sts:AssumeRole"}
    },
    policies=[EVERYTHING],
)


@pytest.fixture(scope="module")
def authorizer() -> PolicyAuthorizer:
    """Verifies every signature, and lets the client do everything."""
    return PolicyAuthorizer([CLIENT], [RUN_ROLE])


@pytest.fixture(scope="module")
def omics(authorizer: PolicyAuthorizer) -> Iterator[LocalHealthOmics]:
    """One endpoint for a module: a client that is a server itself takes seconds to start."""
    with local_healthomics(authorizer=authorizer) as omics:
        omics.add_workflow(workflow_id="1234567")
        yield omics


@pytest.fixture(scope="module")
def environment(omics: LocalHealthOmics, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return foreign_clients.environment(
        omics.url,
        tmp_path_factory.mktemp("home"),
        access_key_id=CLIENT.access_key_id,
        secret_access_key=CLIENT.secret_access_key,
    )
