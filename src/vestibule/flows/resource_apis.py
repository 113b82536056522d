"""An environment's resource APIs as an admin keeps them, what each app may ask of them, and who may register apps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from vestibule.directory.activity import Event, Subject
from vestibule.directory.admins import Permission
from vestibule.directory.apps import App, AppKind
from vestibule.directory.resource_apis import (
    RegistrationToken,
    ResourceApi,
    validate_api_name,
    validate_identifier,
    validate_scopes,
)
from vestibule.directory.workspaces import Environment
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.clients import issuer_of
from vestibule.flows.parts.grouping import environment_by_key
from vestibule.flows.parts.recording import record
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.errors import AlreadyTaken, FieldError, Invalid, NotFound
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.kernel.text import N_, printable
from vestibule.storage import apps, resource_apis, workspaces
from vestibule.storage.database import Transaction

TOKEN_LIFE: Final = timedelta(days=30)
_CHANGED_MEANWHILE: Final = N_(
    "This API was changed since you opened this page. Look at it in another tab first: saving again replaces what was changed."
)


@dataclass(frozen=True, slots=True)
class ApiList:
    """The APIs of an environment, and the live initial access tokens: none means that no app registers itself."""

    environment: Environment
    environments: tuple[Environment, ...]
    apis: tuple[ResourceApi, ...]
    tokens: tuple[RegistrationToken, ...]
    issuer: str


@dataclass(frozen=True, slots=True)
class ApiPage:
    """One API, whose tokens it takes, where its metadata is, and the environment's OpenID Connect apps with the scopes of each."""

    environment: Environment
    api: ResourceApi
    issuer: str
    metadata_url: str
    apps: tuple[App, ...]
    allowed: Mapping[str, tuple[str, ...]]

    @property
    def version(self) -> str:
        """Return a digest of all that can be typed, to tell whether it is still what a form was made of."""
        return _version(self.api, self.allowed)


@dataclass(frozen=True, slots=True)
class TypedApi:
    """An API as typed: all of it untrusted. `allowed` has the scopes for apps by their id, in words."""

    name: str
    identifier: str
    scopes: str
    open: bool
    app_id: str = ""
    allowed: Mapping[str, str] = field(default_factory=dict)


def list_apis(runtime: Runtime, caller: AdminCaller, environment_key: str) -> ApiList:
    """Return the APIs tab of an environment. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        place = environment_by_key(tx, caller, environment_key)
        return ApiList(
            environment=place,
            environments=workspaces.list_environments(tx, caller.workspace_id),
            apis=resource_apis.list_apis(tx, caller.workspace_id, place.id),
            tokens=resource_apis.list_registration_tokens(tx, place.id, runtime.clock()),
            issuer=issuer_of(runtime, place.key),
        )


def look_at_api(runtime: Runtime, caller: AdminCaller, environment_key: str, api_id: str) -> ApiPage:
    """Return one API of an environment; both are untrusted. Raises NotFound, Forbidden."""
    caller.require(Permission.READ)
    with runtime.database.reading() as tx:
        place, api = _find(tx, caller, environment_key, api_id)
        known = apps.list_apps(tx, caller.workspace_id, place.id)
        allowed = resource_apis.list_allowed(tx, place.id, api.id)
    issuer = issuer_of(runtime, place.key)
    address = f"{issuer}/.well-known/oauth-protected-resource/{api.id}"
    own = tuple(one for one in known if one.kind is AppKind.OIDC and not one.registered)
    return ApiPage(place, api, issuer, address, own, allowed)


def add_api(runtime: Runtime, caller: AdminCaller, environment_key: str, typed: TypedApi) -> ResourceApi:
    """Add an API to an environment. Raises Invalid, NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    name, identifier, scopes = _validated(typed)
    now = runtime.clock()
    try:
        with runtime.database.transaction() as tx:
            place = environment_by_key(tx, caller, environment_key)
            api = ResourceApi(
                new_id("api", now), caller.workspace_id, place.id, identifier, name, scopes, typed.open, None, now
            )
            resource_apis.insert_api(tx, api)
            _record(tx, runtime, caller, "api.added", api, {"identifier": identifier, "scopes": list(scopes)})
    except AlreadyTaken as error:
        raise Invalid(_identifier_taken()) from error
    return api


def change_api(
    runtime: Runtime, caller: AdminCaller, environment_key: str, api_id: str, typed: TypedApi, began_with: str = ""
) -> ResourceApi:
    """Change an API, and what the environment's apps may ask of it. Its identifier stays: tokens name it.

    Nothing is changed where it is no longer the version that the form `began_with`. Raises Invalid, NotFound, Forbidden.
    """
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        place = environment_by_key(tx, caller, environment_key)
        workspaces.lock_environment(tx, caller.workspace_id, place.id)
        _, before = _find(tx, caller, environment_key, api_id)
        had = resource_apis.list_allowed(tx, place.id, before.id)
        if began_with not in {"", _version(before, had)}:
            raise Invalid(FieldError("began_with", _CHANGED_MEANWHILE))
        name, _, scopes = _validated(replace(typed, identifier=before.identifier))
        own = {
            one.id: one
            for one in apps.list_apps(tx, caller.workspace_id, place.id)
            if one.kind is AppKind.OIDC and not one.registered
        }
        if typed.app_id and typed.app_id not in own:
            raise Invalid(FieldError("app", N_("Choose an app of this environment.")))
        after = replace(before, name=name, scopes=scopes, open=typed.open, app_id=typed.app_id or None)
        wanted = {app_id: _allowed(app_id, typed, after) for app_id in own}
        resource_apis.update_api(tx, after)
        for app_id, allowed in wanted.items():
            if set(allowed) != set(had.get(app_id, ())):
                resource_apis.allow_app(tx, after, app_id, allowed)
                details = {"app": app_id, "scopes": list(allowed)}
                _record(tx, runtime, caller, "api.app_allowed", after, details)
        if after != before:
            now_so = {"scopes": list(scopes), "open": after.open, "app": after.app_id}
            _record(tx, runtime, caller, "api.changed", after, now_so)
    return after


def delete_api(runtime: Runtime, caller: AdminCaller, environment_key: str, api_id: str) -> ResourceApi:
    """Delete an API: no more tokens are given for it. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        _, api = _find(tx, caller, environment_key, api_id)
        resource_apis.delete_api(tx, caller.workspace_id, api.id)
        _record(tx, runtime, caller, "api.deleted", api, {"identifier": api.identifier})
    return api


def allow_registration(runtime: Runtime, caller: AdminCaller, environment_key: str) -> tuple[Environment, str]:
    """Make an initial access token (RFC 7591, 3), and return it: this once. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    now, secret = runtime.clock(), new_token()
    with runtime.database.transaction() as tx:
        place = environment_by_key(tx, caller, environment_key)
        token = RegistrationToken(
            id=new_id("registration_token", now),
            environment_id=place.id,
            workspace_id=caller.workspace_id,
            hint=secret[-4:],
            created_at=now,
            expires_at=now + TOKEN_LIFE,
            token_hash=token_hash(secret),
        )
        resource_apis.insert_registration_token(tx, token)
        _record_token(tx, runtime, caller, "api.registration_allowed", place, token.id)
    return place, secret


def end_registration(runtime: Runtime, caller: AdminCaller, environment_key: str, token_id: str) -> None:
    """Revoke an initial access token; apps that registered with it stay. Raises NotFound, Forbidden."""
    caller.require(Permission.MANAGE_AUTHENTICATION)
    with runtime.database.transaction() as tx:
        place = environment_by_key(tx, caller, environment_key)
        if not resource_apis.delete_registration_token(tx, place.id, token_id):
            raise NotFound(f"initial access token {printable(token_id, 40)}")
        _record_token(tx, runtime, caller, "api.registration_ended", place, token_id)


def _find(tx: Transaction, caller: AdminCaller, environment_key: str, api_id: str) -> tuple[Environment, ResourceApi]:
    place = environment_by_key(tx, caller, environment_key)
    api = resource_apis.find_api(tx, place.id, api_id)
    if api is None:
        raise NotFound(f"API {printable(api_id, 40)} in {place.key}")
    return place, api


def _validated(typed: TypedApi) -> tuple[str, str, tuple[str, ...]]:
    found: list[Any] = []
    errors: list[FieldError] = []
    checks: tuple[Callable[[], Any], ...] = (
        lambda: validate_api_name(typed.name),
        lambda: validate_identifier(typed.identifier),
        lambda: validate_scopes(typed.scopes),
    )
    for check in checks:
        try:
            found.append(check())
        except FieldError as error:
            errors.append(error)
    if errors:
        raise Invalid(*errors)
    return found[0], found[1], found[2]


def _allowed(app_id: str, typed: TypedApi, api: ResourceApi) -> tuple[str, ...]:
    wanted = typed.allowed.get(app_id, "").split()
    if not set(wanted) <= set(api.scopes):
        raise Invalid(FieldError(f"allowed_{app_id}", N_("An app can be allowed this API’s own scopes only.")))
    return tuple(one for one in api.scopes if one in wanted)


def _version(api: ResourceApi, allowed: Mapping[str, tuple[str, ...]]) -> str:
    said = (api.name, api.scopes, api.open, api.app_id, sorted((app_id, one) for app_id, one in allowed.items() if one))
    return sha256(repr(said).encode()).hexdigest()


def _identifier_taken() -> FieldError:
    return FieldError("identifier", N_("This environment has an API with that identifier already."))


def _record(
    tx: Transaction, runtime: Runtime, caller: AdminCaller, action: str, api: ResourceApi, details: Mapping[str, Any]
) -> None:
    event = Event(action, Subject("api", api.id, api.name), environment_id=api.environment_id, details=details)
    record(tx, runtime, caller.workspace_id, caller.actor, event)


def _record_token(
    tx: Transaction, runtime: Runtime, caller: AdminCaller, action: str, place: Environment, token_id: str
) -> None:
    subject = Subject("environment", place.id, place.name)
    event = Event(action, subject, environment_id=place.id, details={"initial_access_token": token_id})
    record(tx, runtime, caller.workspace_id, caller.actor, event)
