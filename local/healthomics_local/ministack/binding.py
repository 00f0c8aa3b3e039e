"""The only module that touches MiniStack's private names.

MiniStack is pinned to one version and offers no plug-in interface, so the launcher replaces a few of its
functions. Everything it relies on is listed in ``RELIED_ON`` and checked when the server starts: an upgrade
that moves a name stops the start with a sentence that says which, instead of a deployment that behaves
differently from AWS.
"""

import contextvars
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

SUPPORTED_VERSION: Final = "1.5.33"

APP: Final = "ministack.app"
CLOUDFORMATION: Final = "ministack.services.cloudformation"
CUSTOM_RESOURCE: Final = f"{CLOUDFORMATION}.custom_resource"
STACKS: Final = f"{CLOUDFORMATION}.stacks"
HANDLERS: Final = f"{CLOUDFORMATION}.handlers"
PROVISIONERS: Final = f"{CLOUDFORMATION}.provisioners"
LAMBDA: Final = "ministack.services.lambda_svc"
EVENTS: Final = "ministack.services.eventbridge"
ACTIONS: Final = "ministack.core.iam_actions"
EVALUATOR: Final = "ministack.core.iam_evaluator"
IAM: Final = "ministack.services.iam"
RESPONSES: Final = "ministack.core.responses"

Parameters = tuple[str, ...] | None
"""The leading parameter names of a function; None for a value or a function that is only replaced by name."""

RELIED_ON: Final[dict[str, dict[str, Parameters]]] = {
    APP: {"app": ("scope", "receive", "send"), "pin_request_origin": ("source_ip", "secure_transport")},
    CLOUDFORMATION: {"_stacks": None, "_exports": None},
    CUSTOM_RESOURCE: {
        "invoke_custom_resource": (
            "request_type",
            "logical_id",
            "props",
            "stack_name",
            "stack_id",
            "resource_type",
            "physical_id",
            "old_props",
        ),
        "deliver_response": ("token", "response"),
    },
    STACKS: {
        "_runs_on_worker_thread": ("resource_type",),
        "_revert_update": (
            "stack_id",
            "stack_name",
            "logical_id",
            "rtype",
            "physical_id",
            "applied_props",
            "previous_props",
            "attrs",
            "record",
        ),
        "_roll_back_operation": ("stack_name", "stack_id", "stack", "operation", "reason_override"),
        "_resolve_stack_outputs": (
            "outputs_defs",
            "conditions",
            "resources",
            "param_values",
            "mappings",
            "stack_name",
            "stack_id",
        ),
    },
    HANDLERS: {"_roll_back_operation": None, "_imported_export_names": ("stack", "stack_name")},
    PROVISIONERS: {"_RESOURCE_HANDLERS": None, "_delete_resource": ("resource_type", "physical_id", "props")},
    LAMBDA: {
        "_get_func_record_for_ref": ("function_ref",),
        "_execution_record_for_config": ("func", "config"),
        "_execute_function_with_config_scope": ("func", "event"),
        "_emit_lambda_logs": ("func", "request_id", "log_text"),
    },
    EVENTS: {
        "_put_events": ("data", "allow_aws_source"),
        "_parse_rate_seconds": ("expr",),
        "_SCHEDULER_TICK_INTERVAL": None,
    },
    ACTIONS: {"extract_resource_arn": ("service",)},
    EVALUATOR: {
        "EvalContext": ("principal_arn", "principal_type", "principal_account", "action", "resource_arn", "region"),
        "evaluate": ("ctx", "policies", "limits"),
        "evaluate_resource_policy": ("doc", "ctx", "service"),
        "combine_resource_policy": ("identity", "ctx", "policy", "owner_account"),
        "parse_policy_document": ("doc",),
        "resolve_credential": ("access_key_id", "account_id"),
        "resolve_principal": ("access_key_id", "account_id"),
        "_gather_role_policies": ("role_name", "account_id"),
        "_permissions_boundary": ("store", "name", "account_id"),
        "_resource_policy": ("service", "resource_arn"),
    },
    IAM: {"_roles": None},
    RESPONSES: {"get_region": (), "set_request_region": ("region",), "now_iso": ()},
}
"""Module -> name -> what is expected of it."""

RollBack = Callable[..., Awaitable[None]]
Revert = Callable[..., Awaitable[None]]
ResolveOutputs = Callable[..., tuple[list[dict[str, Any]], dict[str, Any]]]
WriteFunctionLog = Callable[..., None]
CreateResource = Callable[[str, dict[str, Any], str], tuple[str, dict[str, Any]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Somebody who wants to do something, with the policies as MiniStack has parsed them."""

    arn: str
    kind: str
    account_id: str
    policies: list[Any] | None
    """None: the account's root, which may do everything."""
    limits: list[Any]
    """Permissions boundary and session policies: each must allow, too."""
    keys: Mapping[str, Any]
    """Condition keys that describe the actor."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessRequest:
    """What somebody wants to do."""

    action: str
    resource: str
    region: str
    context: Mapping[str, Any]


class UnsupportedMiniStackError(RuntimeError):
    """The installed MiniStack is not the one that the launcher was written for."""


def missing_names() -> list[str]:
    """List what the installed MiniStack lacks of ``RELIED_ON``, each with what is wrong."""
    problems: list[str] = []
    for module_name, names in RELIED_ON.items():
        try:
            module = import_module(module_name)
        except ImportError:
            problems.append(f"{module_name} (no such module)")
            continue
        for name, parameters in names.items():
            if not hasattr(module, name):
                problems.append(f"{module_name}.{name} (missing)")
            elif parameters is not None and not _begins_with(getattr(module, name), parameters):
                problems.append(f"{module_name}.{name} (other parameters than {', '.join(parameters) or 'none'})")
    return problems


def check() -> None:
    """Refuse to start on a MiniStack that does not offer what the launcher relies on."""
    problems = missing_names()
    if problems:
        raise UnsupportedMiniStackError(
            f"MiniStack {installed_version()} does not have what the launcher relies on: "
            f"{'; '.join(problems)}. The launcher was written for {SUPPORTED_VERSION}; "
            "reinstall the environment from ministack.lock."
        )


def installed_version() -> str:
    """Return MiniStack's version, or say that there is none."""
    try:
        return version("ministack")
    except PackageNotFoundError:
        return "(not installed)"


def _begins_with(function: Any, parameters: tuple[str, ...]) -> bool:
    actual = tuple(inspect.signature(function).parameters)
    return actual[: len(parameters)] == parameters if parameters else not actual


def _account_and_name(role_arn: str) -> tuple[str, str]:
    """Account and name in a role's ARN; empty in what is no ARN."""
    account_id = role_arn.split(":")[4:5]
    return "".join(account_id), role_arn.rpartition("/")[2]


class MiniStack:
    """MiniStack's internals behind plain names, for one server process."""

    def __init__(self) -> None:
        check()
        self._modules = {name: import_module(name) for name in RELIED_ON}

    def _get(self, module_name: str, name: str) -> Any:
        return getattr(self._modules[module_name], name)

    def _set(self, module_name: str, name: str, value: Any) -> None:
        setattr(self._modules[module_name], name, value)

    @property
    def application(self) -> Callable[..., Awaitable[None]]:
        """MiniStack's ASGI application."""
        application: Callable[..., Awaitable[None]] = self._get(APP, "app")
        return application

    def stack(self, stack_name: str) -> dict[str, Any] | None:
        """Return the live record of a stack of the current account and Region."""
        stack: dict[str, Any] | None = self._get(CLOUDFORMATION, "_stacks").get(stack_name)
        return stack

    def stacks(self) -> dict[str, dict[str, Any]]:
        """Return the records of all stacks of the current account and Region, by name."""
        return dict(self._get(CLOUDFORMATION, "_stacks").items())

    def imports_of(self, stack: dict[str, Any]) -> set[str]:
        """Return the names of the exports that a stack imports."""
        names: set[str] = self._get(HANDLERS, "_imported_export_names")(stack, stack["StackName"])
        return names

    def exports(self) -> dict[str, str]:
        """Return all exports of the current account and Region: name -> ARN of the stack."""
        return {name: str(export["StackId"]) for name, export in self._get(CLOUDFORMATION, "_exports").items()}

    def forget_exports(self, names: Iterable[str]) -> None:
        """Remove exports that their stack no longer has."""
        for name in names:
            self._get(CLOUDFORMATION, "_exports").pop(name, None)

    def region(self) -> str:
        """Return the Region of the request that is being served."""
        return str(self._get(RESPONSES, "get_region")())

    def now(self) -> str:
        """Return the time as CloudFormation's API writes it."""
        return str(self._get(RESPONSES, "now_iso")())

    def function_runner(self, function_arn: str) -> Callable[[Mapping[str, Any]], bool] | None:
        """Find a Lambda function and return what invokes it once; None when there is no such function.

        The returned callable blocks, may be called from any thread, and tells whether the invocation
        succeeded.
        """
        record, config, _name = self._get(LAMBDA, "_get_func_record_for_ref")(function_arn)
        if record is None or config is None:
            return None
        execution = self._get(LAMBDA, "_execution_record_for_config")(record, config)
        execute = self._get(LAMBDA, "_execute_function_with_config_scope")
        context = contextvars.copy_context()

        def run(event: Mapping[str, Any]) -> bool:
            # A copy for each call: a context cannot be entered twice at once.
            outcome = context.copy().run(execute, execution, event)
            return not outcome.get("error")

        return run

    def put_events(self, body: bytes, *, region: str) -> tuple[int, bytes]:
        """PutEvents that takes ``aws.*`` sources too, as only AWS services may send them."""
        self._get(RESPONSES, "set_request_region")(region)
        status, _headers, answer = self._get(EVENTS, "_put_events")(json.loads(body), allow_aws_source=True)
        return status, answer if isinstance(answer, bytes) else str(answer).encode()

    def credential(self, access_key_id: str, *, account_id: str) -> dict[str, Any]:
        """Return what stands behind an access key, or the code of the error that its use would be."""
        found = self._get(EVALUATOR, "resolve_credential")(access_key_id, account_id)
        if not hasattr(found, "secret_access_key"):
            return {"error": found.code}
        return {
            "secret_access_key": found.secret_access_key,
            "session_token": found.session_token,
            "principal_arn": found.principal_arn,
        }

    def caller(self, access_key_id: str, *, account_id: str) -> Actor | None:
        """Return the owner of an access key, with policies; None if nobody has it any more."""
        found = self._get(EVALUATOR, "resolve_principal")(access_key_id, account_id)
        if not hasattr(found, "policies"):
            return None
        return Actor(
            arn=found.arn,
            kind=found.type,
            account_id=found.account,
            policies=found.policies,
            limits=found.limits,
            keys=found.keys,
        )

    def role(self, role_arn: str) -> dict[str, Any] | None:
        """Return the record of a role."""
        account_id, name = _account_and_name(role_arn)
        record: dict[str, Any] | None = self._get(IAM, "_roles").get_scoped(account_id, None, name)
        # Roles are kept by name, and the ARN has a path as well.
        return record if record is not None and record["Arn"] == role_arn else None

    def role_session(self, role_arn: str, *, session_arn: str, session_policy: str | None) -> Actor:
        """Return a session of a role, with policies; a role that is gone has none."""
        account_id, name = _account_and_name(role_arn)
        limits = self._get(EVALUATOR, "_permissions_boundary")(self._get(IAM, "_roles"), name, account_id)
        if session_policy is not None:
            limits = [*limits, [self._get(EVALUATOR, "parse_policy_document")(session_policy)]]
        return Actor(
            arn=session_arn,
            kind="AssumedRole",
            account_id=account_id,
            policies=self._get(EVALUATOR, "_gather_role_policies")(name, account_id),
            limits=limits,
            keys={},
        )

    def decide(self, actor: Actor, request: AccessRequest) -> str:
        """Return what an actor's policies, and the resource's own, say: ``Allow``, ``Deny`` or ``ImplicitDeny``."""
        if actor.policies is None:
            return "Allow"
        context = self._context(actor, request)
        result = self._get(EVALUATOR, "evaluate")(context, actor.policies, *actor.limits)
        service = request.action.partition(":")[0]
        resource_policy = self._get(EVALUATOR, "_resource_policy")(service, request.resource)
        if resource_policy is not None:
            combine = self._get(EVALUATOR, "combine_resource_policy")
            result = combine(result, context, *resource_policy, limits=actor.limits)
        return str(result.decision)

    def trusts(self, role: Mapping[str, Any], service: str, request: AccessRequest) -> bool:
        """Whether a role's trust policy lets an AWS service assume it."""
        nobody = Actor(arn="", kind="AWSService", account_id="", policies=[], limits=[], keys={})
        evaluate = self._get(EVALUATOR, "evaluate_resource_policy")
        result = evaluate(role.get("AssumeRolePolicyDocument"), self._context(nobody, request), service)
        return bool(result.decision == "Allow")

    def _context(self, actor: Actor, request: AccessRequest) -> Any:
        return self._get(EVALUATOR, "EvalContext")(
            principal_arn=actor.arn,
            principal_type=actor.kind,
            principal_account=actor.account_id,
            action=request.action,
            resource_arn=request.resource,
            region=request.region,
            secure_transport=True,
            # Condition keys know no case. A request without tags has no aws:TagKeys.
            service_context={"aws:tagkeys": None} | {key.lower(): value for key, value in request.context.items()},
            principal_keys=actor.keys,
        )

    def take_requests_for_encrypted(self) -> None:
        """Let ``aws:SecureTransport`` hold: the loopback interface stands for AWS's own, which is encrypted.

        The CDK's asset bucket, like many, denies everything to requests without.
        """
        pin: Callable[..., None] = self._get(APP, "pin_request_origin")

        def pin_encrypted(source_ip: str, _secure_transport: object) -> None:
            pin(source_ip, secure_transport=True)

        self._set(APP, "pin_request_origin", pin_encrypted)

    def wrap_function_logs(self, wrap: Callable[[WriteFunctionLog], WriteFunctionLog]) -> None:
        """Put our function around the one that writes what a Lambda function said to its log group."""
        self._set(LAMBDA, "_emit_lambda_logs", wrap(self._get(LAMBDA, "_emit_lambda_logs")))

    def delete_resource(self, resource_type: str, physical_id: str, properties: Any, *, stack: str, name: str) -> None:
        """Delete one resource through its type's handler; blocks."""
        self._get(PROVISIONERS, "_delete_resource")(resource_type, physical_id, properties, stack, name)

    def replace_custom_resources(
        self, invoke: Callable[..., tuple[str, dict[str, Any]]], deliver: Callable[[str, Any], bool]
    ) -> None:
        """Send every custom-resource request, and every answer to one, through our functions."""
        self._set(CUSTOM_RESOURCE, "invoke_custom_resource", invoke)
        self._set(CUSTOM_RESOURCE, "deliver_response", deliver)

    def wrap_rollback(self, wrap: Callable[[RollBack], RollBack]) -> None:
        """Put our function around the one that rolls a failed operation back."""
        wrapped = wrap(self._get(STACKS, "_roll_back_operation"))
        self._set(STACKS, "_roll_back_operation", wrapped)
        # Imported there by name, for RollbackStack.
        self._set(HANDLERS, "_roll_back_operation", wrapped)

    def wrap_revert(self, wrap: Callable[[Revert], Revert]) -> None:
        """Put our function around the one that sends a single update back."""
        self._set(STACKS, "_revert_update", wrap(self._get(STACKS, "_revert_update")))

    def wrap_outputs(self, wrap: Callable[[ResolveOutputs], ResolveOutputs]) -> None:
        """Put our function around the one that works out a stack's outputs, once its resources are done."""
        self._set(STACKS, "_resolve_stack_outputs", wrap(self._get(STACKS, "_resolve_stack_outputs")))

    def speed_up_schedules(self, speed: float, *, shortest_seconds: float) -> None:
        """Divide the rates of scheduled rules, and look more often which of them are due."""
        parse: Callable[[str], int | None] = self._get(EVENTS, "_parse_rate_seconds")

        def faster(expr: str) -> float | None:
            seconds = parse(expr)
            return None if seconds is None else max(seconds / speed, shortest_seconds)

        self._set(EVENTS, "_parse_rate_seconds", faster)
        interval = max(self._get(EVENTS, "_SCHEDULER_TICK_INTERVAL") / speed, shortest_seconds / 2)
        self._set(EVENTS, "_SCHEDULER_TICK_INTERVAL", interval)

    def name_rules_of_the_default_bus(self) -> None:
        """Ask for permissions on a rule by the ARN that it has on AWS, and in templates: without the default bus."""
        extract: Callable[..., str] = self._get(ACTIONS, "extract_resource_arn")

        def corrected(service: str, *arguments: Any) -> str:
            arn = extract(service, *arguments)
            return arn.replace(":rule/default/", ":rule/") if service == "events" else arn

        self._set(ACTIONS, "extract_resource_arn", corrected)

    def wrap_creation(self, resource_type: str, wrap: Callable[[CreateResource], CreateResource]) -> None:
        """Put our function around the one that creates resources of a type; it gets logical id, properties, stack."""
        handlers = self._get(PROVISIONERS, "_RESOURCE_HANDLERS")
        handlers[resource_type] = {**handlers[resource_type], "create": wrap(handlers[resource_type]["create"])}

    def add_resource_type(
        self, name: str, *, create: Callable[..., Any], update: Callable[..., Any], delete: Callable[..., Any]
    ) -> None:
        """Teach CloudFormation a resource type whose handlers may block."""
        self._get(PROVISIONERS, "_RESOURCE_HANDLERS")[name] = {
            "create": create,
            "update": update,
            "delete": delete,
        }
        inherited: Callable[[str], bool] = self._get(STACKS, "_runs_on_worker_thread")

        def blocks(resource_type: str) -> bool:
            return resource_type == name or inherited(resource_type)

        self._set(
            STACKS,
            "_runs_on_worker_thread",
            blocks,
        )
