"""What the answers of forward-auth and the signing in at an app's host share: why somebody does not get through."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from urllib.parse import quote

from vestibule.directory.apps import App
from vestibule.directory.entry import Condition, Presence, may_enter
from vestibule.directory.forward_auth import Found, groups_told
from vestibule.directory.sessions import Session
from vestibule.flows.parts.entry import connections_to_judge
from vestibule.kernel.errors import VestibuleError
from vestibule.kernel.text import N_
from vestibule.storage.database import Transaction

# How long a process goes on answering yes without asking the database.
DECISION_SECONDS: Final = 0.5

_SAFE_IN_HEADERS: Final = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in "%,")


class NotSignedIn(VestibuleError):
    """No token came that counts at this host: the browser has to sign in, or to sign in again."""

    code = "not_signed_in"
    public = N_("You are not signed in to this app, or not any more. Open it again in your browser to sign in.")


class HostUnknown(VestibuleError):
    """No app of the environment is reached under this host, or only one of another kind."""

    code = "host_unknown"
    public = N_("No app is registered under this address. Tell the people who run it.")


class NotAllowed(VestibuleError):
    """The person is signed in and may not use the app. `refused_by` says why; `reference` is set where it is on the record."""

    code = "app_not_allowed"
    public = N_("Your account does not include this app.")

    def __init__(self, app: App, session: Session, refused_by: Condition, reference: str = "") -> None:
        super().__init__(f"{session.end_user.id} at {app.id}: {refused_by}")
        self.app, self.session, self.refused_by, self.reference = app, session, refused_by, reference


def refused_by(tx: Transaction, found: Found, now: datetime) -> Condition | None:
    """Return the first condition that keeps somebody from using the app, or None. No statement but for a password where SAML is on."""
    presence = Presence(found.session, now, connections_to_judge(tx, found.session))
    return may_enter(found.standing, found.app, presence).refused_by


def headers_told(found: Found) -> Iterable[tuple[str, str]]:
    """Return what an app is told of a person in headers, by name; the identity token apart."""
    person = found.session.end_user
    yield "Remote-User", header_value(person.email)
    yield "Remote-Email", header_value(person.email)
    yield "Remote-Name", header_value(person.full_name)
    yield "Remote-Groups", ",".join(header_value(name) for name in sorted(groups_told(found).values()))


def header_value(text: str) -> str:
    """Return a text as it stands in a header: printable ASCII as it is, everything else, `%` and `,` as percent-encoded UTF-8."""
    return quote(text, safe=_SAFE_IN_HEADERS)
