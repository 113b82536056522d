"""What a SCIM service answers when it refuses: one class per reason, with the status and scimType of RFC 7644, 3.12."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import printable

ERROR_URN: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
_MAX_DETAIL: Final = 500


class ScimError(VestibuleError):
    """A refusal in SCIM's words. `detail` is safe to answer; the client's own words in it are made printable.

    `on_record` says that the directory's record has it already.
    """

    code = "scim_error"
    status: ClassVar[int] = 400
    scim_type: ClassVar[str | None] = None

    def __init__(self, detail: str, retry_after_seconds: int | None = None) -> None:
        self.detail = printable(detail, _MAX_DETAIL)
        self.retry_after_seconds = retry_after_seconds
        self.on_record = False
        super().__init__(self.detail)

    def __str__(self) -> str:
        return self.detail

    def body(self) -> dict[str, Any]:
        """Return the Error message (RFC 7644, 3.12). `status` is a string there."""
        scim_type = {"scimType": self.scim_type} if self.scim_type else {}
        return {"schemas": [ERROR_URN], "status": str(self.status), **scim_type, "detail": self.detail}


class InvalidSyntax(ScimError):
    """The body is not what it should be."""

    code, scim_type = "scim_invalid_syntax", "invalidSyntax"


class InvalidFilter(ScimError):
    """The filter is no filter, or compares what can't be compared."""

    code, scim_type = "scim_invalid_filter", "invalidFilter"


class InvalidPath(ScimError):
    """The path of a PATCH operation is no path, or leads to nothing that the schema has."""

    code, scim_type = "scim_invalid_path", "invalidPath"


class NoTarget(ScimError):
    """The path of a PATCH operation finds nothing to act on."""

    code, scim_type = "scim_no_target", "noTarget"


class InvalidValue(ScimError):
    """A value is missing, or not of the attribute's type."""

    code, scim_type = "scim_invalid_value", "invalidValue"


class InvalidCursor(ScimError):
    """The cursor is none of ours, or belongs to another question (RFC 9865)."""

    code, scim_type = "scim_invalid_cursor", "invalidCursor"


class InvalidCount(ScimError):
    """The size of a page by cursor is none (RFC 9865)."""

    code, scim_type = "scim_invalid_count", "invalidCount"


class Mutability(ScimError):
    """The attribute can't be changed by clients."""

    code, scim_type = "scim_mutability", "mutability"


class TooMany(ScimError):
    """More was asked for than is done in one request."""

    code, scim_type = "scim_too_many", "tooMany"


class Uniqueness(ScimError):
    """A value is taken."""

    code, status, scim_type = "scim_uniqueness", 409, "uniqueness"


class CircularReference(ScimError):
    """Operations of a bulk request wait for each other (RFC 7644, 3.7.1)."""

    code, status = "scim_circular_reference", 409


class Unauthorized(ScimError):
    """There is no token, or one that opens nothing (any more)."""

    code, status = "scim_unauthorized", 401


class NotAllowed(ScimError):
    """The token is good, but nothing is open to it now."""

    code, status = "scim_forbidden", 403


class ResourceNotFound(ScimError):
    """Nothing of that id is in the connection's reach."""

    code, status = "scim_not_found", 404


class MethodNotAllowed(ScimError):
    """The endpoint has no such method, but those that are `allowed` (RFC 9110, 15.5.6)."""

    code, status = "scim_method_not_allowed", 405

    def __init__(self, detail: str, *allowed: str) -> None:
        self.allowed = allowed
        super().__init__(detail)


class PreconditionFailed(ScimError):
    """The resource has another version than the client thinks (RFC 7644, 3.14)."""

    code, status = "scim_precondition_failed", 412


class PayloadTooLarge(ScimError):
    """The body, or the number of operations, is over the limit that ServiceProviderConfig states."""

    code, status = "scim_payload_too_large", 413


class UnsupportedMediaType(ScimError):
    """The body is no JSON."""

    code, status = "scim_unsupported_media_type", 415


class TooManyRequests(ScimError):
    """The client is to wait."""

    code, status = "scim_too_many_requests", 429


class NotImplementedHere(ScimError):
    """The service does not do this."""

    code, status = "scim_not_implemented", 501


class Unavailable(ScimError):
    """Not now: held, or busy. Nothing was changed."""

    code, status = "scim_unavailable", 503
