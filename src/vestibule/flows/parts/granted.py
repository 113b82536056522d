"""Whether a grant may be used now: asked again at every use, whatever it was worth before."""

from __future__ import annotations

from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.directory.apps import App, GroupsClaim
from vestibule.directory.entry import Standing
from vestibule.directory.grants import Grant
from vestibule.flows.parts.callers import Visitor
from vestibule.flows.parts.entry import decide, decide_in_session
from vestibule.flows.parts.places import Place
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.oidc.errors import EntryEnded
from vestibule.storage import grants
from vestibule.storage.database import Transaction


def standing_of(
    tx: Transaction, runtime: Runtime, place: Place, app: App, grant: Grant, *, named: bool = False
) -> Standing:
    """Return how the person of a grant stands, who may still use the app, in the session that the grant hangs on. Raises EntryEnded.

    One statement, and one more for a password session where SAML is on. With `named` the names of groups come along where the
    app is told them.
    """
    named = named and app.oidc is not None and app.oidc.groups_claim is GroupsClaim.NAMES
    whom = grant.end_user_id
    if grant.session_id is None:
        entry = decide(tx, runtime, place.environment, whom, app, named=named)
    else:
        whose = whom if named else None
        entry = decide_in_session(tx, runtime, place.environment, grant.session_id, app, named=whose)
        if entry is None or entry.standing.end_user.id != grant.end_user_id:
            raise EntryEnded("the browser session has ended")
    if entry is None or not entry.decision.allowed:
        condition = entry.decision.refused_by if entry else "nobody"
        raise EntryEnded(f"{condition} does not hold")
    return entry.standing


def end_grant(
    tx: Transaction, runtime: Runtime, visitor: Visitor, place: Place, app: App, grant: Grant, action: str
) -> None:
    """End a grant that somebody misuses, with all that hangs on it, on the record."""
    grants.delete_grant(tx, place.environment.id, grant.id)
    event = Event(
        action,
        Subject("app", app.id, app.name),
        Outcome.REFUSED,
        environment_id=place.environment.id,
        details={"end_user": grant.end_user_id, "grant": grant.id, "granted_to": grant.app_id},
    )
    record(tx, runtime, place.workspace.id, visitor.anonymous, event)
