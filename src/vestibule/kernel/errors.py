"""The base of every error that Vestibule raises on purpose. Owns no reason itself: each room declares its own classes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from vestibule.kernel.text import N_


class VestibuleError(Exception):
    """A refusal with a public sentence and a private reason.

    `code` names the class for machines, `public` is an English sentence (a gettext msgid, may hold `%(name)s`
    placeholders filled from `params`) that is safe for strangers, `.reason` is for the log and the admin.
    """

    code: ClassVar[str] = "error"
    public: ClassVar[str] = N_("Something went wrong.")

    def __init__(self, reason: str = "", **params: str) -> None:
        super().__init__(reason)
        self.reason = reason or self.public
        self.params: Mapping[str, str] = params

    def __str__(self) -> str:
        return self.public % self.params if self.params else self.public


class FieldError(VestibuleError):
    """One value that was typed is wrong. `field` is the name of the form field or JSON member."""

    code = "field"

    def __init__(self, field: str, message: str, **params: str) -> None:
        super().__init__(f"{field}: {message}", **params)
        self.field = field
        self.message = message

    def __str__(self) -> str:
        return self.message % self.params if self.params else self.message


class Invalid(VestibuleError):
    """Some of what was typed is wrong; nothing was written. Carries every FieldError at once."""

    code = "invalid"
    public = N_("Some of what was entered needs a correction.")

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(error.reason for error in errors))
        self.errors = errors


class NotFound(VestibuleError):
    """The thing does not exist, or not in the workspace of the one who asks."""

    code = "not_found"
    public = N_("This does not exist, or not any more.")


class Forbidden(VestibuleError):
    """The person is known, but their role may not do this."""

    code = "forbidden"
    public = N_("Your role does not allow this.")


class Conflict(VestibuleError):
    """The act would break a rule of the directory, such as removing the last Owner."""

    code = "conflict"
    public = N_("This can’t be done now.")


class Throttled(VestibuleError):
    """Too many attempts. `retry_after_seconds` says when the next one counts again."""

    code = "throttled"
    public = N_("Too many attempts. Wait a little, then try again.")

    def __init__(self, reason: str, retry_after_seconds: int) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class DatabaseBusy(VestibuleError):
    """The database did not answer within its limits; nothing was written."""

    code = "database_busy"
    public = N_("The server is busy. Nothing was changed; try again in a moment.")


class GaveWay(DatabaseBusy):
    """Another transaction was in the way at this very instant, and this one was rolled back for it: it can be done again at once."""

    code = "gave_way"


class DatabaseUnreachable(DatabaseBusy):
    """There is no connection to the database, or it broke."""

    code = "database_unreachable"
    public = N_("The database does not answer. Try again in a moment.")


class DatabaseDamaged(DatabaseUnreachable):
    """The database's file is not one, or no longer: time mends nothing, a backup does."""

    code = "database_damaged"


class AlreadyTaken(VestibuleError):
    """The database holds such a row already, or a row that this one rests on is gone: two acted at once, or a name is taken.

    `Database.transaction` raises it for the engine's integrity errors; flows turn it into a FieldError.
    """

    code = "already_taken"
    public = N_("Somebody was faster, or this exists already. Reload the page and look.")
