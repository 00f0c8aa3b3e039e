"""The only module that touches MiniStack's private names.

MiniStack is pinned to one version and offers no plug-in interface, so the launcher replaces a few of its
functions. Everything it relies on is listed in ``RELIED_ON`` and checked when the server starts: an upgrade
that moves a name stops the start with a sentence that says which, instead of a deployment that behaves
differently from AWS.
"""

import contextvars
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
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
RESPONSES: Final = "ministack.core.responses"

Parameters = tuple[str, ...] | None
"""The leading parameter names of a function; None for a value or a function that is only replaced by name."""

RELIED_ON: Final[dict[str, dict[str, Parameters]]] = {
    APP: {"app": ("scope", "receive", "send")},
    CLOUDFORMATION: {"_stacks": None},
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
    },
    HANDLERS: {"_roll_back_operation": None},
    PROVISIONERS: {"_RESOURCE_HANDLERS": None, "_delete_resource": ("resource_type", "physical_id", "props")},
    LAMBDA: {
        "_get_func_record_for_ref": ("function_ref",),
        "_execution_record_for_config": ("func", "config"),
        "_execute_function_with_config_scope": ("func", "event"),
    },
    EVENTS: {"_put_events": ("data", "allow_aws_source")},
    RESPONSES: {"get_region": (), "set_request_region": ("region",), "now_iso": ()},
}
"""Module -> name -> what is expected of it."""

RollBack = Callable[..., Awaitable[None]]
Revert = Callable[..., Awaitable[None]]


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
