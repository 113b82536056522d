"""Apps in the console: which there are, setting one up, changing and deleting it, and its secrets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from vestibule.directory.admins import Permission
from vestibule.directory.app_drafts import AppDraft, CheckedApp, check_draft, version_of
from vestibule.directory.apps import App, AppKind, AppSecret, ClientAuthentication
from vestibule.directory.groups import Group
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.clients import issuer_of
from vestibule.flows.parts.grouping import environment_by_key
from vestibule.flows.parts.managing_apps import found_app, record_app
from vestibule.flows.parts.runtime import Runtime
from vestibule.flows.parts.taking_away import take_apps
from vestibule.kernel.errors import AlreadyTaken, Conflict, FieldError, Invalid, NotFound
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.kernel.text import N_, printable
from vestibule.oidc.client_keys import read_typed_keys
from vestibule.oidc.errors import InvalidClientMetadata
from vestibule.storage import apps, groups, registrations, workspaces
from vestibule.storage.database import Transaction

MOST_SECRETS: Final = 3
# As long as somebody needs to carry the new secret to every place where the app runs.
SECRET_OVERLAP: Final = timedelta(days=7)
_HINT: Final = 4
_CHANGED_MEANWHILE: Final = N_(
    "This app was changed since you opened this page. Look at it in another tab first: saving again replaces what was changed."
)


class TooManySecrets(Conflict):
    """The app has as many live secrets as it may have."""

    code = "too_many_secrets"
    public = N_("This app has %(count)s secrets already. Revoke one that is not used any more.")


@dataclass(frozen=True, slots=True)
class AppList:
    """The Apps page of an environment."""

    environment: Environment
    environments: tuple[Environment, ...]
    apps: tuple[App, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class AppFacts:
    """What the console shows of an app: `groups` are those of its environment, Everyone left out."""

    app: App
    environment: Environment
    groups: tuple[Group, ...]
    secrets: tuple[AppSecret, ...]
    issuer: str

    @property
    def allowed(self) -> tuple[Group, ...]:
        """Return the groups that may use the app, where not everyone may."""
        return tuple(group for group in self.groups if group.id in self.app.group_ids)

    @property
    def takes_secrets(self) -> bool:
        """Say whether the app proves itself with a secret."""
        return self.app.oidc is not None and self.app.oidc.authentication is ClientAuthentication.SECRET


@dataclass(frozen=True, slots=True)
class Made:
    """A new app, or a new secret of one. `secret` is shown now and kept nowhere; empty where there is none."""

    facts: AppFacts
    secret: str = field(repr=False)


def list_apps(runtime: Runtime, caller: AdminCaller, environment_key: str) -> AppList:
    """Return the apps of the environment of an untrusted key, or of the one that the picker starts with. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        every = workspaces.list_environments(tx, caller.workspace_id)
        if not every:
            raise NotFound("a workspace without an environment")
        environment = next((one for one in every if one.key == environment_key), every[0])
        return AppList(
            environment,
            every,
            apps.list_apps(tx, caller.workspace_id, environment.id),
            _groups(tx, caller, environment),
        )


def look_at_app(runtime: Runtime, caller: AdminCaller, app_id: str) -> AppFacts:
    """Return an app by its untrusted id. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        return _facts(tx, runtime, caller, app_id)


def create_app(runtime: Runtime, caller: AdminCaller, environment_key: str, draft: AppDraft) -> Made:
    """Set an app up, with a first secret where it proves itself with one. Raises Invalid, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_APPS)
    now = runtime.clock()
    try:
        with runtime.database.transaction() as tx:
            environment = environment_by_key(tx, caller, environment_key)
            checked = _checked(draft, _groups(tx, caller, environment))
            app = App(
                id=new_id("app", now),
                workspace_id=caller.workspace_id,
                environment_id=environment.id,
                disabled=False,
                registered=False,
                created_at=now,
                **_fields(checked),
            )
            apps.insert_app(tx, app)
            secret = ""
            if app.oidc is not None and app.oidc.authentication is ClientAuthentication.SECRET:
                secret = _make_secret(tx, runtime, app)
            record_app(tx, runtime, caller, "app.created", app, kind=app.kind.value)
            return Made(_facts(tx, runtime, caller, app.id), secret)
    except AlreadyTaken as error:
        raise _taken(error) from error


def change_app(runtime: Runtime, caller: AdminCaller, app_id: str, draft: AppDraft, began_with: str = "") -> AppFacts:
    """Change an app; its kind stays. Nothing is changed where it is no longer the version that the form `began_with`.

    Raises Invalid, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_APPS)
    try:
        with runtime.database.transaction() as tx:
            apps.lock_app(tx, caller.workspace_id, app_id)
            facts = _facts(tx, runtime, caller, app_id)
            if began_with not in {"", version_of(facts.app)}:
                raise Invalid(FieldError("began_with", _CHANGED_MEANWHILE))
            draft = replace(draft, kind=facts.app.kind.value)
            checked = _checked(draft, facts.groups)
            changed = replace(facts.app, **_fields(checked))
            if changed != facts.app:
                apps.update_app(tx, changed)
                # An app that registered itself is the admin's from now on.
                registrations.end_registration(tx, changed.id)
                entry_id = record_app(tx, runtime, caller, "app.changed", changed, **_differences(facts.app, changed))
                take_apps(tx, runtime, caller.workspace_id, (app_id,), entry_id)
            return replace(facts, app=changed)
    except AlreadyTaken as error:
        raise _taken(error) from error


def set_disabled(runtime: Runtime, caller: AdminCaller, app_id: str, *, disabled: bool) -> App:
    """Close an app to everybody, or open it again. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_APPS)
    with runtime.database.transaction() as tx:
        apps.lock_app(tx, caller.workspace_id, app_id)
        app = found_app(tx, caller, app_id)
        if app.disabled is not disabled:
            apps.update_app(tx, replace(app, disabled=disabled))
            registrations.end_registration(tx, app.id)
            entry_id = record_app(tx, runtime, caller, "app.disabled" if disabled else "app.enabled", app)
            take_apps(tx, runtime, caller.workspace_id, (app.id,), entry_id)
        return app


def delete_app(runtime: Runtime, caller: AdminCaller, app_id: str) -> App:
    """Delete an app with its secrets and all that it was granted. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_APPS)
    with runtime.database.transaction() as tx:
        app = found_app(tx, caller, app_id)
        if not apps.delete_app(tx, caller.workspace_id, app.id):
            raise NotFound(f"app {app.id}, deleted at this very moment")
        record_app(tx, runtime, caller, "app.deleted", app)
        return app


def rotate_secret(runtime: Runtime, caller: AdminCaller, app_id: str) -> Made:
    """Make a further secret; those before it end after an overlap. Raises TooManySecrets, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_APPS)
    now = runtime.clock()
    with runtime.database.transaction() as tx:
        apps.lock_app(tx, caller.workspace_id, app_id)
        facts = _facts(tx, runtime, caller, app_id)
        if not facts.takes_secrets:
            raise NotFound(f"{facts.app.id} proves itself with no secret")
        if len(facts.secrets) >= MOST_SECRETS:
            raise TooManySecrets("too many secrets", count=str(MOST_SECRETS))
        registrations.end_registration(tx, facts.app.id)
        apps.end_secrets(tx, facts.app.id, now + SECRET_OVERLAP)
        secret = _make_secret(tx, runtime, facts.app)
        record_app(tx, runtime, caller, "app.secret_made", facts.app)
        return Made(_facts(tx, runtime, caller, app_id), secret)


def revoke_secret(runtime: Runtime, caller: AdminCaller, app_id: str, secret_id: str) -> App:
    """End a secret at once. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_APPS)
    with runtime.database.transaction() as tx:
        app = found_app(tx, caller, app_id)
        if not apps.delete_secret(tx, app.id, secret_id):
            raise NotFound(f"secret {printable(secret_id, 40)} of {app.id}")
        record_app(tx, runtime, caller, "app.secret_revoked", app)
        return app


def _make_secret(tx: Transaction, runtime: Runtime, app: App) -> str:
    now, secret = runtime.clock(), new_token()
    made = AppSecret(
        id=new_id("app_secret", now),
        app_id=app.id,
        hint=secret[-_HINT:],
        created_at=now,
        expires_at=None,
        last_used_at=None,
        secret_hash=token_hash(secret),
    )
    apps.insert_secret(tx, app.workspace_id, made)
    return secret


def _facts(tx: Transaction, runtime: Runtime, caller: AdminCaller, app_id: str) -> AppFacts:
    app = found_app(tx, caller, app_id)
    environment = workspaces.find_environment_by_id(tx, caller.workspace_id, app.environment_id)
    if environment is None:
        raise NotFound(f"the environment of {app.id}")
    return AppFacts(
        app=app,
        environment=environment,
        groups=_groups(tx, caller, environment),
        secrets=apps.list_secrets(tx, app.id, runtime.clock()) if app.kind is AppKind.OIDC else (),
        issuer=issuer_of(runtime, environment.key),
    )


def _groups(tx: Transaction, caller: AdminCaller, environment: Environment) -> tuple[Group, ...]:
    found = groups.list_group_names(tx, caller.workspace_id)
    return tuple(group for group in found if group.environment_id == environment.id and not group.built_in)


def _checked(draft: AppDraft, found: Iterable[Group]) -> CheckedApp:
    checked = check_draft(draft, frozenset(group.id for group in found))
    if checked.oidc is not None and checked.oidc.authentication is ClientAuthentication.PRIVATE_KEY_JWT:
        try:
            read_typed_keys(checked.oidc.jwks)
        except InvalidClientMetadata as error:
            raise Invalid(FieldError("jwks", error.public)) from error
    return checked


def _fields(checked: CheckedApp) -> dict[str, Any]:
    return {name: getattr(checked, name) for name in CheckedApp.__dataclass_fields__}


def _differences(before: App, after: App) -> dict[str, object]:
    changed = [name for name in App.__dataclass_fields__ if getattr(before, name) != getattr(after, name)]
    return {"changed": changed, "groups": sorted(after.group_ids), "everyone": after.everyone}


def _taken(error: AlreadyTaken) -> Invalid:
    # Which of the two it was, the database says in its own words only; both are beside their fields for whoever looks.
    name = "hosts" if "app_hosts" in error.reason else "name"
    sentence = (
        N_("Another app of this environment has one of these names.")
        if name == "hosts"
        else N_("This environment has an app of this name already.")
    )
    return Invalid(FieldError(name, sentence))
