"""Answers what the HealthOmics endpoint asks about IAM, which is in this process: credentials, policies, trust.

The questions come as JSON over the loopback interface, with a secret that only the supervisor and this process know:
the answers hold secret keys.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from healthomics_local.ministack.binding import AccessRequest, Actor, MiniStack, WriteFunctionLog

PATH: Final = "/_ext/authorization"
SECRET_HEADER: Final = "x-healthomics-local-secret"  # noqa: S105 - the name of a header
SECRET_VARIABLE: Final = "HEALTHOMICS_LOCAL_SECRET"  # noqa: S105 - the name of a variable
FUNCTION_LOG_ACTIONS: Final = ("logs:CreateLogStream", "logs:PutLogEvents")


class Authorization:
    """Answers questions, each a JSON object whose ``question`` says which one it is."""

    def __init__(self, ministack: MiniStack, *, secret: str) -> None:
        self._ministack = ministack
        self._secret = secret
        self._answers: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "credential": self._credential,
            "caller": self._caller,
            "role": self._role,
            "trust": self._trust,
        }

    def answer(self, body: bytes, *, secret: str) -> tuple[int, bytes]:
        """Answer one request: status and body."""
        if not hmac.compare_digest(secret.encode(), self._secret.encode()):
            return 403, b"{}"
        question: dict[str, Any] = json.loads(body)
        return 200, json.dumps(self._answers[question["question"]](question)).encode()

    def _credential(self, question: Mapping[str, Any]) -> dict[str, Any]:
        return self._ministack.credential(question["access_key_id"], account_id=question["account_id"])

    def _caller(self, question: Mapping[str, Any]) -> dict[str, Any]:
        actor = self._ministack.caller(question["access_key_id"], account_id=question["account_id"])
        if actor is None:
            return {"error": "UnrecognizedClientException"}
        return self._first_denial(actor, question)

    def _role(self, question: Mapping[str, Any]) -> dict[str, Any]:
        actor = self._ministack.role_session(
            question["role_arn"], session_arn=question["session_arn"], session_policy=question["session_policy"]
        )
        return self._first_denial(actor, question)

    def _trust(self, question: Mapping[str, Any]) -> dict[str, Any]:
        role = self._ministack.role(question["role_arn"])
        if role is None:
            return {"problem": "the role does not exist"}
        request = AccessRequest(
            action="sts:AssumeRole",
            resource=question["role_arn"],
            region=question["region"],
            context=question["context"],
        )
        if self._ministack.trusts(role, question["service"], request):
            return {"problem": None}
        conditions = ", ".join(f"{key} {value}" for key, value in question["context"].items())
        return {"problem": f"its trust policy does not let {question['service']} assume it with {conditions}"}

    def _first_denial(self, actor: Actor, question: Mapping[str, Any]) -> dict[str, Any]:
        for index, permission in enumerate(question["permissions"]):
            decision = self._ministack.decide(actor, AccessRequest(region=question["region"], **permission))
            if decision != "Allow":
                return {"denied": index, "explicit": decision == "Deny", "principal_arn": actor.arn}
        return {"denied": None}


def limit_function_logs(ministack: MiniStack) -> None:
    """Write what a Lambda function says only where its role may write, as Lambda does: with the function's role."""

    def limited(write: WriteFunctionLog) -> WriteFunctionLog:
        def wrapper(function: Mapping[str, Any], *arguments: Any, **options: Any) -> None:
            if _may_log(ministack, function.get("config") or function):
                write(function, *arguments, **options)

        return wrapper

    ministack.wrap_function_logs(limited)


def _may_log(ministack: MiniStack, config: Mapping[str, Any]) -> bool:
    partition, region, account_id = (config["FunctionArn"].split(":")[position] for position in (1, 3, 4))
    name: str = config["FunctionName"]
    logging: Mapping[str, str] = config.get("LoggingConfig") or {}
    group = logging.get("LogGroup") or f"/aws/lambda/{name}"
    session_arn = f"arn:{partition}:sts::{account_id}:assumed-role/{config['Role'].rpartition('/')[2]}/{name}"
    actor = ministack.role_session(config["Role"], session_arn=session_arn, session_policy=None)
    stream = f"arn:{partition}:logs:{region}:{account_id}:log-group:{group}:log-stream:any"
    return all(
        ministack.decide(actor, AccessRequest(action=action, resource=stream, region=region, context={})) == "Allow"
        for action in FUNCTION_LOG_ACTIONS
    )
