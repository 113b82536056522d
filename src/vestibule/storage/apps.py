"""Apps with the groups that may use them and the hosts they are reached under, and their secrets."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from vestibule.directory.apps import (
    App,
    AppKind,
    AppSecret,
    ClientAuthentication,
    GrantType,
    GroupsClaim,
    OidcSettings,
    SigningAlgorithm,
)
from vestibule.kernel.text import fold
from vestibule.storage.database import Transaction
from vestibule.storage.prepared import Prepared
from vestibule.storage.tables import app_groups, app_hosts, app_secrets, apps, group_members, groups

_IN_ORDER: Final = (apps.c.name_key, apps.c.id)


def _joined(column: Column[str], of_app: Column[str]) -> ColumnElement[str]:
    # Neither an id nor a host has a comma. So an app comes whole in one statement, on its own or in a list.
    return select(func.aggregate_strings(column, ",")).where(of_app == apps.c.id).correlate(apps).scalar_subquery()


WHOLE: Final = select(
    apps,
    _joined(app_groups.c.group_id, app_groups.c.app_id).label("group_ids"),
    _joined(app_hosts.c.host, app_hosts.c.app_id).label("hosts"),
)

_FIND_OF: Final = Prepared(
    WHOLE.where(apps.c.environment_id == bindparam("environment_id"), apps.c.id == bindparam("app_id"))
)


def insert_app(tx: Transaction, app: App) -> None:
    """Save a new app with its groups and hosts. Raises IntegrityError when the environment has one of that name or host."""
    tx.execute(
        insert(apps).values(
            id=app.id,
            workspace_id=app.workspace_id,
            environment_id=app.environment_id,
            kind=app.kind.value,
            registered=app.registered,
            created_at=app.created_at,
            **_changeable(app),
        )
    )
    _insert_groups(tx, app)
    _insert_hosts(tx, app)


def update_app(tx: Transaction, app: App) -> None:
    """Save an app as it is now, its groups and hosts too. Raises IntegrityError when the environment has one of that name or host."""
    tx.execute(
        update(apps).where(apps.c.workspace_id == app.workspace_id, apps.c.id == app.id).values(**_changeable(app))
    )
    tx.execute(delete(app_groups).where(app_groups.c.app_id == app.id))
    tx.execute(delete(app_hosts).where(app_hosts.c.app_id == app.id))
    _insert_groups(tx, app)
    _insert_hosts(tx, app)


def lock_app(tx: Transaction, workspace_id: str, app_id: str) -> None:
    """Let one transaction at a time read an app and write it back whole; another id than that of an app there is no error.

    SQLite has one writer anyway; there the clause is left out.
    """
    tx.execute(select(apps.c.id).where(apps.c.workspace_id == workspace_id, apps.c.id == app_id).with_for_update())


def delete_app(tx: Transaction, workspace_id: str, app_id: str) -> bool:
    """Delete an app with its secrets and all that it was granted; return whether it was there."""
    return tx.execute(delete(apps).where(apps.c.workspace_id == workspace_id, apps.c.id == app_id)).rowcount == 1


def find_app(tx: Transaction, workspace_id: str, app_id: str) -> App | None:
    """Return one app of a workspace."""
    found = _apps(tx, apps.c.workspace_id == workspace_id, apps.c.id == app_id)
    return found[0] if found else None


def find_app_of(tx: Transaction, environment_id: str, app_id: str) -> App | None:
    """Return one app of an environment, by a client_id that may be anybody's."""
    rows = _FIND_OF.rows(tx, {"environment_id": environment_id, "app_id": app_id})
    return to_whole_app(rows[0]) if rows else None


def find_app_at(tx: Transaction, environment_id: str, host: str) -> App | None:
    """Return the app of an environment that is reached under a host name."""
    here = and_(app_hosts.c.environment_id == environment_id, app_hosts.c.host == host)
    found = _apps(tx, apps.c.id == select(app_hosts.c.app_id).where(here).scalar_subquery())
    return found[0] if found else None


def list_apps(tx: Transaction, workspace_id: str, environment_id: str) -> tuple[App, ...]:
    """Return the apps of an environment by name."""
    return _apps(tx, apps.c.workspace_id == workspace_id, apps.c.environment_id == environment_id)


def names_of(tx: Transaction, workspace_id: str, app_ids: Collection[str]) -> dict[str, str]:
    """Return the names of those of these apps that the workspace has, by id."""
    query = select(apps.c.id, apps.c.name).where(apps.c.workspace_id == workspace_id, apps.c.id.in_(tuple(app_ids)))
    return {row.id: row.name for row in tx.execute(query)}


def narrowed_to(tx: Transaction, group_ids: Collection[str]) -> frozenset[str]:
    """Return the apps that any of these groups may use: who leaves one may lose them."""
    query = select(app_groups.c.app_id).where(app_groups.c.group_id.in_(tuple(group_ids)))
    return frozenset(tx.execute(query).scalars())


def narrowed_in(tx: Transaction, environment_id: str) -> frozenset[str]:
    """Return the apps of an environment that are for some groups alone."""
    query = select(apps.c.id).where(apps.c.environment_id == environment_id, apps.c.everyone.is_(False))
    return frozenset(tx.execute(query).scalars())


def list_usable_apps(tx: Transaction, workspace_id: str, environment_id: str, end_user_id: str) -> tuple[App, ...]:
    """Return the apps of an environment that a person's groups allow and that are not disabled, by name."""
    member = group_members.join(app_groups, app_groups.c.group_id == group_members.c.group_id)
    allowed = exists(
        select(literal(1))
        .select_from(member)
        .where(app_groups.c.app_id == apps.c.id, group_members.c.end_user_id == end_user_id)
    )
    here = (apps.c.workspace_id == workspace_id, apps.c.environment_id == environment_id, apps.c.disabled.is_(False))
    return _apps(tx, *here, or_(apps.c.everyone.is_(True), allowed))


def known_groups(tx: Transaction, environment_id: str, group_ids: Collection[str]) -> frozenset[str]:
    """Return those of these groups that the environment has, Everyone left out."""
    here = (groups.c.environment_id == environment_id, groups.c.built_in.is_(False), groups.c.id.in_(tuple(group_ids)))
    return frozenset(row.id for row in tx.execute(select(groups.c.id).where(*here)))


def insert_secret(tx: Transaction, workspace_id: str, secret: AppSecret) -> None:
    """Save a client secret's hash."""
    tx.execute(
        insert(app_secrets).values(
            id=secret.id,
            workspace_id=workspace_id,
            app_id=secret.app_id,
            secret_hash=secret.secret_hash,
            hint=secret.hint,
            created_at=secret.created_at,
            expires_at=secret.expires_at,
            last_used_at=secret.last_used_at,
        )
    )


def list_secrets(tx: Transaction, app_id: str, now: datetime) -> tuple[AppSecret, ...]:
    """Return the live secrets of an app, the newest first."""
    living = or_(app_secrets.c.expires_at.is_(None), app_secrets.c.expires_at > now)
    query = select(app_secrets).where(app_secrets.c.app_id == app_id, living).order_by(app_secrets.c.id.desc())
    return tuple(to_secret(row) for row in tx.execute(query))


def end_secrets(tx: Transaction, app_id: str, expires_at: datetime, *, but: str | None = None) -> None:
    """Let the secrets of an app end at an instant, but for one and those that end before it anyway."""
    later = or_(app_secrets.c.expires_at.is_(None), app_secrets.c.expires_at > expires_at)
    others = () if but is None else (app_secrets.c.id != but,)
    tx.execute(update(app_secrets).where(app_secrets.c.app_id == app_id, later, *others).values(expires_at=expires_at))


def delete_secret(tx: Transaction, app_id: str, secret_id: str) -> bool:
    """Delete one secret of an app; return whether it was there."""
    mine = (app_secrets.c.app_id == app_id, app_secrets.c.id == secret_id)
    return tx.execute(delete(app_secrets).where(*mine)).rowcount == 1


_TOUCH: Final = (
    update(app_secrets)
    .where(
        app_secrets.c.id == bindparam("secret_id"),
        or_(app_secrets.c.last_used_at.is_(None), app_secrets.c.last_used_at < bindparam("stale")),
    )
    .values(last_used_at=bindparam("now"))
)


def note_secret_used(tx: Transaction, secret_id: str, now: datetime) -> None:
    """Note that a secret is in use, to the minute: a busy app must not write at every request."""
    tx.execute(_TOUCH, {"secret_id": secret_id, "now": now, "stale": now - timedelta(minutes=1)})


def _changeable(app: App) -> dict[str, Any]:
    return {
        "name": app.name,
        "name_key": fold(app.name),
        "icon": app.icon,
        "launch_url": app.launch_url,
        "everyone": app.everyone,
        "disabled": app.disabled,
        "third_party": app.third_party,
        "oidc": _written(app.oidc) if app.oidc else None,
    }


def _insert_groups(tx: Transaction, app: App) -> None:
    here = {"app_id": app.id, "environment_id": app.environment_id, "workspace_id": app.workspace_id}
    if app.group_ids:
        tx.execute(insert(app_groups), [{**here, "group_id": one} for one in sorted(app.group_ids)])


def _insert_hosts(tx: Transaction, app: App) -> None:
    here = {"app_id": app.id, "environment_id": app.environment_id, "workspace_id": app.workspace_id}
    if app.hosts:
        tx.execute(insert(app_hosts), [{**here, "host": one} for one in app.hosts])


def _apps(tx: Transaction, *which: ColumnElement[bool]) -> tuple[App, ...]:
    rows = tx.execute(WHOLE.where(*which).order_by(*_IN_ORDER))
    return tuple(to_whole_app(row) for row in rows)


def to_whole_app(row: Any) -> App:
    """Make an App of a row of `WHOLE`."""
    return to_app(row, _split(row.group_ids), tuple(sorted(_split(row.hosts))))


def to_app(row: Any, group_ids: Iterable[str], hosts: tuple[str, ...]) -> App:
    """Make an App of a row that has the apps table's columns under their own names."""
    return App(
        id=row.id,
        workspace_id=row.workspace_id,
        environment_id=row.environment_id,
        name=row.name,
        kind=AppKind(row.kind),
        icon=row.icon,
        launch_url=row.launch_url,
        everyone=row.everyone,
        disabled=row.disabled,
        third_party=row.third_party,
        registered=row.registered,
        created_at=row.created_at,
        group_ids=frozenset(group_ids),
        hosts=hosts,
        oidc=_read(row.oidc) if row.oidc else None,
        icon_digest=row.icon_digest,
    )


def _split(joined: str | None) -> list[str]:
    return joined.split(",") if joined else []


def to_secret(row: Any) -> AppSecret:
    """Make an AppSecret of a row that has the columns of secrets under their own names."""
    return AppSecret(
        id=row.id,
        app_id=row.app_id,
        hint=row.hint,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        secret_hash=row.secret_hash,
    )


def _written(settings: OidcSettings) -> dict[str, Any]:
    return {
        "redirect_uris": list(settings.redirect_uris),
        "post_logout_redirect_uris": list(settings.post_logout_redirect_uris),
        "authentication": settings.authentication.value,
        "grant_types": sorted(settings.grant_types),
        "id_token_alg": settings.id_token_alg.value,
        "groups_claim": settings.groups_claim.value,
        "all_groups": settings.all_groups,
        "sector": settings.sector,
        "jwks": settings.jwks,
        "backchannel_logout_uri": settings.backchannel_logout_uri,
        "require_pushed_requests": settings.require_pushed_requests,
        "access_token_seconds": int(settings.access_token_ttl.total_seconds()),
        "refresh_token_seconds": int(settings.refresh_token_ttl.total_seconds()),
    }


def _read(written: dict[str, Any]) -> OidcSettings:
    return OidcSettings(
        redirect_uris=tuple(written["redirect_uris"]),
        post_logout_redirect_uris=tuple(written["post_logout_redirect_uris"]),
        authentication=ClientAuthentication(written["authentication"]),
        grant_types=frozenset(GrantType(one) for one in written["grant_types"]),
        id_token_alg=SigningAlgorithm(written["id_token_alg"]),
        groups_claim=GroupsClaim(written["groups_claim"]),
        all_groups=written["all_groups"],
        sector=written["sector"],
        jwks=written["jwks"],
        backchannel_logout_uri=written["backchannel_logout_uri"],
        require_pushed_requests=written["require_pushed_requests"],
        access_token_ttl=timedelta(seconds=written["access_token_seconds"]),
        refresh_token_ttl=timedelta(seconds=written["refresh_token_seconds"]),
    )
