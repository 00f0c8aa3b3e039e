"""What can go wrong, as data: an AWS call that failed, and a request that cannot be fulfilled."""

PARAM_VALIDATION = "ParamValidationError"
"""Code of a call that botocore refuses to send: a member that its model does not know, or of the wrong type."""


class ApiError(Exception):
    """One AWS API call failed.

    Attributes:
        operation: API operation, for example ``StartRun``.
        code: The service's error code; ``ConnectionError`` when no answer arrived.
        message: The service's own text. It may quote request values: show it to the user, never log it.
        status: HTTP status; 0 when no answer arrived.
        retry_after: Seconds that the service asked to wait, or None.
    """

    def __init__(
        self, operation: str, code: str, message: str, *, status: int, retry_after: float | None = None
    ) -> None:
        super().__init__(f"{operation}: {code}")
        self.operation = operation
        self.code = code
        self.message = message
        self.status = status
        self.retry_after = retry_after


class MalformedEventError(Exception):
    """The event is not a CloudFormation custom resource request: there is nobody to answer."""


class RequestFailedError(Exception):
    """The request ends FAILED. ``reason`` is the text a person reads in the stack's events."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
