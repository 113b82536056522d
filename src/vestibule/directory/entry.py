"""Who may enter: one pure answer with its reasons, for sign-in, tokens, forward-auth, the launch page and the console's Explain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from vestibule.directory.apps import App
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.enforcement import route
from vestibule.directory.sessions import Session, SignInMethod
from vestibule.directory.workspaces import Environment


class Condition(StrEnum):
    """What has to hold, in the order in which it is looked at."""

    PERSON_ACTIVE = "person_active"
    ENVIRONMENT_ACCESS = "environment_access"
    APP_ENABLED = "app_enabled"
    APP_GROUPS = "app_groups"
    SAML_SIGN_IN = "saml_sign_in"
    SESSION_LIVE = "session_live"
    SESSION_FRESH = "session_fresh"


@dataclass(frozen=True, slots=True)
class Reason:
    """One condition that was looked at, and whether it holds."""

    condition: Condition
    holds: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether somebody may enter, and every reason for it. Nothing looked at is a refusal."""

    reasons: tuple[Reason, ...]

    @property
    def allowed(self) -> bool:
        """Say whether every condition holds."""
        return bool(self.reasons) and all(reason.holds for reason in self.reasons)

    @property
    def refused_by(self) -> Condition | None:
        """Return the first condition that does not hold."""
        return next((reason.condition for reason in self.reasons if not reason.holds), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands in an environment. `group_ids` leave out Everyone, in which they are by their access.

    `group_names` has the names by id, in their order, where they were asked for along with the rest.
    """

    end_user: EndUser
    environment: Environment
    has_access: bool
    group_ids: frozenset[str] = frozenset()
    group_names: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """A session at an instant, where there is one to judge; and how old its authentication may be at most.

    `connections` are those of the environment: enforcement counts at once, also for a session that began with a password.
    """

    session: Session
    now: datetime
    connections: tuple[Connection, ...] = ()
    max_age: timedelta | None = None


def may_enter(standing: Standing, app: App | None = None, presence: Presence | None = None) -> Decision:
    """Decide whether a person may enter an environment, and use an app in it.

    Without `app` it is the environment alone; without `presence` nobody is there yet, and what concerns a session is not looked at.
    """
    reasons = [
        Reason(Condition.PERSON_ACTIVE, standing.end_user.status is not EndUserStatus.DEACTIVATED),
        Reason(Condition.ENVIRONMENT_ACCESS, standing.has_access),
    ]
    if app is not None:
        here = app.environment_id == standing.environment.id and app.workspace_id == standing.end_user.workspace_id
        reasons.append(Reason(Condition.APP_ENABLED, here and not app.disabled))
        reasons.append(Reason(Condition.APP_GROUPS, here and in_groups(app, standing.group_ids)))
    if presence is not None:
        reasons.extend(_of_presence(standing, presence))
    return Decision(tuple(reasons))


def in_groups(app: App, group_ids: Iterable[str]) -> bool:
    """Say whether the app's groups allow somebody who is in these. No group at all is nobody."""
    return app.everyone or not app.group_ids.isdisjoint(group_ids)


def _of_presence(standing: Standing, presence: Presence) -> Iterable[Reason]:
    session, now = presence.session, presence.now
    theirs = session.end_user.id == standing.end_user.id and session.environment.id == standing.environment.id
    by_password = session.method is SignInMethod.PASSWORD
    way = route(standing.end_user.email, standing.environment.saml_enabled, presence.connections)
    yield Reason(Condition.SAML_SIGN_IN, not by_password or way.password)
    yield Reason(Condition.SESSION_LIVE, theirs and now < session.expires_at)
    if presence.max_age is not None:
        yield Reason(Condition.SESSION_FRESH, theirs and now - session.created_at <= presence.max_age)
