"""The errors HealthOmics answers with: one class per modelled error, with its HTTP status and its body.

The wire form is ``{"message": …}`` with the code in the ``x-amzn-ErrorType`` header. Not one module of this
package may be imported here: this is the bottom of the dependency chain. The classes have the service's names.
"""

from __future__ import annotations


class ServiceError(Exception):
    """Any error that a caller of the endpoint can see; catch this to catch them all."""

    code = "InternalServerException"
    http_status = 500

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ValidationException(ServiceError):  # noqa: N818
    """The request breaks a constraint of the model or a rule between members."""

    code = "ValidationException"
    http_status = 400


class SerializationException(ServiceError):  # noqa: N818
    """The request cannot be read at all: broken JSON, or a value of the wrong type."""

    code = "SerializationException"
    http_status = 400


class ServiceQuotaExceededException(ServiceError):  # noqa: N818
    """A quota of the account is used up. HealthOmics answers it with 402, not 400."""

    code = "ServiceQuotaExceededException"
    http_status = 402


class AccessDeniedException(ServiceError):  # noqa: N818
    """The caller may not do this."""

    code = "AccessDeniedException"
    http_status = 403


class MissingAuthenticationTokenException(ServiceError):  # noqa: N818
    """The request carries no AWS signature."""

    code = "MissingAuthenticationTokenException"
    http_status = 403


class IncompleteSignatureException(ServiceError):  # noqa: N818
    """The signature of the request lacks something, or is malformed."""

    code = "IncompleteSignatureException"
    http_status = 403


class InvalidSignatureException(ServiceError):  # noqa: N818
    """The signature of the request is wrong, too old, or for something else."""

    code = "InvalidSignatureException"
    http_status = 403


class UnrecognizedClientException(ServiceError):  # noqa: N818
    """Nobody has the access key of the request, or its session token is not the key's."""

    code = "UnrecognizedClientException"
    http_status = 403


class ExpiredTokenException(ServiceError):  # noqa: N818
    """The temporary credentials of the request have expired."""

    code = "ExpiredTokenException"
    http_status = 403


class ResourceNotFoundException(ServiceError):  # noqa: N818
    """The named resource does not exist, or is not usable yet."""

    code = "ResourceNotFoundException"
    http_status = 404


class UnknownOperationException(ServiceError):  # noqa: N818
    """No operation of the service has this method and path."""

    code = "UnknownOperationException"
    http_status = 404


class RequestTimeoutException(ServiceError):  # noqa: N818
    """The service gave up on the request; the caller should retry."""

    code = "RequestTimeoutException"
    http_status = 408


class ConflictException(ServiceError):  # noqa: N818
    """The request does not fit the current state of its target."""

    code = "ConflictException"
    http_status = 409


class RequestEntityTooLargeException(ServiceError):  # noqa: N818
    """The body is larger than the endpoint accepts."""

    code = "RequestEntityTooLargeException"
    http_status = 413


class ThrottlingException(ServiceError):  # noqa: N818
    """The caller is too fast."""

    code = "ThrottlingException"
    http_status = 429


class InternalServerException(ServiceError):  # noqa: N818
    """The service failed; the caller should retry."""


class OperationNotImplementedException(ServiceError):  # noqa: N818
    """The operation exists in AWS, but not in this endpoint.

    Not a code of the service: a test must never take a gap of the endpoint for an answer of AWS.
    """

    code = "OperationNotImplementedException"
    http_status = 501


def error_class(code: str) -> type[ServiceError] | None:
    """The error class with this code, or None."""
    return _BY_CODE.get(code)


_BY_CODE = {
    each.code: each
    for each in (
        ValidationException,
        SerializationException,
        ServiceQuotaExceededException,
        AccessDeniedException,
        MissingAuthenticationTokenException,
        IncompleteSignatureException,
        InvalidSignatureException,
        UnrecognizedClientException,
        ExpiredTokenException,
        ResourceNotFoundException,
        UnknownOperationException,
        RequestTimeoutException,
        ConflictException,
        RequestEntityTooLargeException,
        ThrottlingException,
        InternalServerException,
        OperationNotImplementedException,
    )
}
