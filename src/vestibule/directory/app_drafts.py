"""What an admin, or an app itself, may set up as an app: each value checked, each mistake named beside its field."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, TypeVar
from urllib.parse import urlsplit

from vestibule.directory.apps import (
    App,
    AppKind,
    ClientAuthentication,
    GrantType,
    GroupsClaim,
    OidcSettings,
    SigningAlgorithm,
)
from vestibule.directory.forward_auth import clean_host
from vestibule.directory.workspaces import validate_name
from vestibule.kernel.errors import FieldError, Invalid
from vestibule.kernel.text import N_, has_unsafe_characters

MAX_URIS: Final = 20
MAX_HOSTS: Final = 20
_MAX_URI: Final = 2_000
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
# RFC 8252, 7.1: a native app's own scheme is a domain of its maker, backwards.
_PRIVATE_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+\Z")
_SECTOR: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,98}[a-z0-9])?\Z")
ICONS: Final = ("apps", "activity", "key", "users", "settings", "shield-lock", "mail", "lock")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class AppDraft:
    """What was typed for an app; all of it untrusted. Several addresses stand on lines of their own."""

    name: str
    kind: str
    icon: str = "apps"
    launch_url: str = ""
    everyone: bool = True
    group_ids: frozenset[str] = frozenset()
    third_party: bool = False
    hosts: str = ""
    redirect_uris: str = ""
    post_logout_redirect_uris: str = ""
    authentication: str = ClientAuthentication.SECRET.value
    id_token_alg: str = SigningAlgorithm.RS256.value
    groups_claim: str = GroupsClaim.NAMES.value
    all_groups: bool = False
    sector: str = ""
    jwks: str = ""
    backchannel_logout_uri: str = ""
    require_pushed_requests: bool = False
    grant_types: frozenset[str] = field(
        default_factory=lambda: frozenset({GrantType.AUTHORIZATION_CODE.value, GrantType.REFRESH_TOKEN.value})
    )


@dataclass(frozen=True, slots=True)
class CheckedApp:
    """What of a draft is right, for an app of its kind: what is no matter of the kind is left out."""

    name: str
    kind: AppKind
    icon: str
    launch_url: str | None
    everyone: bool
    group_ids: frozenset[str]
    third_party: bool
    hosts: tuple[str, ...]
    oidc: OidcSettings | None


class _Trying:
    """Checks one value after the other, and keeps what is wrong with each."""

    def __init__(self) -> None:
        self.errors: list[FieldError] = []

    def __call__(self, check: Callable[[], _T], otherwise: _T) -> _T:
        try:
            return check()
        except FieldError as error:
            self.errors.append(error)
            return otherwise


def draft_of(app: App) -> AppDraft:
    """Return what would have been typed for an app as it is."""
    oidc = app.oidc or OidcSettings()
    return AppDraft(
        name=app.name,
        kind=app.kind.value,
        icon=app.icon,
        launch_url=app.launch_url or "",
        everyone=app.everyone,
        group_ids=app.group_ids,
        third_party=app.third_party,
        hosts="\n".join(app.hosts),
        redirect_uris="\n".join(oidc.redirect_uris),
        post_logout_redirect_uris="\n".join(oidc.post_logout_redirect_uris),
        authentication=oidc.authentication.value,
        id_token_alg=oidc.id_token_alg.value,
        groups_claim=oidc.groups_claim.value,
        all_groups=oidc.all_groups,
        sector=oidc.sector,
        jwks=oidc.jwks,
        backchannel_logout_uri=oidc.backchannel_logout_uri,
        require_pushed_requests=oidc.require_pushed_requests,
        grant_types=frozenset(one.value for one in oidc.grant_types),
    )


def version_of(app: App) -> str:
    """Return a digest of all that can be typed for an app, to tell whether it is still what a form was made of."""
    draft = draft_of(app)
    said = [getattr(draft, name) for name in AppDraft.__dataclass_fields__]
    return sha256(repr([sorted(one) if isinstance(one, frozenset) else one for one in said]).encode()).hexdigest()


def check_draft(draft: AppDraft, known_groups: Collection[str]) -> CheckedApp:
    """Return what a draft says, checked; `known_groups` are those of the environment. Raises Invalid with every mistake."""
    tried = _Trying()
    kind = tried(lambda: _one_of(AppKind, "kind", draft.kind), AppKind.LINK)
    groups = draft.group_ids & frozenset(known_groups)
    if not draft.everyone and not groups:
        tried.errors.append(FieldError("groups", N_("Choose at least one group, or let everyone use it.")))
    checked = CheckedApp(
        name=tried(lambda: validate_name("name", draft.name), ""),
        kind=kind,
        icon=draft.icon if draft.icon in ICONS else ICONS[0],
        launch_url=tried(lambda: _launch_url(draft, kind), None),
        everyone=draft.everyone,
        group_ids=frozenset() if draft.everyone else groups,
        third_party=kind is AppKind.OIDC and draft.third_party,
        hosts=tried(lambda: _hosts(draft.hosts), ()) if kind is AppKind.FORWARD_AUTH else (),
        oidc=_oidc(draft, tried) if kind is AppKind.OIDC else None,
    )
    if tried.errors:
        raise Invalid(*tried.errors)
    return checked


def validate_redirect_uri(field_name: str, typed: str) -> str:
    """Return an address that answers may be sent to: https, or on this machine or a native app's own scheme (RFC 8252, 7).

    Raises FieldError. Compared exactly later, so a wildcard would be worth nothing; it is refused for whoever expects otherwise.
    """
    uri = typed.strip()
    wrong = FieldError(
        field_name, N_("“%(uri)s” is not a whole address, such as https://app.example/callback."), uri=uri[:100]
    )
    if (
        not uri
        or len(uri) > _MAX_URI
        or has_unsafe_characters(uri)
        or not uri.isascii()
        or any(one in uri for one in ' \\<>"*')
    ):
        raise wrong
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise wrong from error
    if parts.fragment or "#" in uri or parts.username is not None or "@" in parts.netloc:
        raise FieldError(field_name, N_("“%(uri)s” must have no fragment (#) and no user name."), uri=uri[:100])
    if parts.scheme == "https" and host:
        return uri
    if parts.scheme == "http" and host in _LOOPBACK:
        return uri
    if parts.scheme == "http":
        raise FieldError(
            field_name,
            N_("“%(uri)s” must begin with https://."),
            uri=uri[:100],
        )
    if _PRIVATE_SCHEME.match(parts.scheme):
        return uri
    raise wrong


def _oidc(draft: AppDraft, tried: _Trying) -> OidcSettings:
    grants = tried(
        lambda: frozenset(_one_of(GrantType, "grant_types", one) for one in draft.grant_types), frozenset[GrantType]()
    )
    authentication = tried(
        lambda: _one_of(ClientAuthentication, "authentication", draft.authentication), ClientAuthentication.SECRET
    )
    return OidcSettings(
        redirect_uris=tried(lambda: _redirect_uris(draft, grants), ()),
        post_logout_redirect_uris=tried(
            lambda: _uris("post_logout_redirect_uris", draft.post_logout_redirect_uris), ()
        ),
        authentication=authentication,
        grant_types=grants,
        id_token_alg=tried(
            lambda: _one_of(SigningAlgorithm, "id_token_alg", draft.id_token_alg), SigningAlgorithm.RS256
        ),
        groups_claim=tried(lambda: _one_of(GroupsClaim, "groups_claim", draft.groups_claim), GroupsClaim.NAMES),
        all_groups=draft.all_groups,
        sector=tried(lambda: _sector(draft.sector), ""),
        jwks=draft.jwks.strip() if authentication is ClientAuthentication.PRIVATE_KEY_JWT else "",
        backchannel_logout_uri=tried(lambda: _backchannel(draft.backchannel_logout_uri), ""),
        require_pushed_requests=draft.require_pushed_requests,
    )


def _one_of(kind: type[_T], field_name: str, typed: str) -> _T:
    try:
        return kind(typed)  # type: ignore[call-arg] # every kind here is a StrEnum
    except ValueError as error:
        raise FieldError(field_name, N_("Choose one of these.")) from error


def _lines(typed: str) -> list[str]:
    return list(dict.fromkeys(line.strip() for line in typed.splitlines() if line.strip()))


def _uris(field_name: str, typed: str) -> tuple[str, ...]:
    lines = _lines(typed)
    if len(lines) > MAX_URIS:
        raise FieldError(field_name, N_("%(count)s addresses at most."), count=str(MAX_URIS))
    return tuple(validate_redirect_uri(field_name, line) for line in lines)


def _redirect_uris(draft: AppDraft, grants: Collection[GrantType]) -> tuple[str, ...]:
    found = _uris("redirect_uris", draft.redirect_uris)
    if not found and GrantType.AUTHORIZATION_CODE in grants:
        raise FieldError("redirect_uris", N_("Enter the address that the app takes answers at."))
    return found


def _backchannel(typed: str) -> str:
    uri = typed.strip()
    if not uri:
        return ""
    checked = validate_redirect_uri("backchannel_logout_uri", uri)
    if urlsplit(checked).scheme not in {"https", "http"}:
        raise FieldError("backchannel_logout_uri", N_("Enter an https address that Vestibule can call."))
    return checked


def _launch_url(draft: AppDraft, kind: AppKind) -> str | None:
    typed = draft.launch_url.strip()
    if not typed:
        if kind is AppKind.LINK:
            raise FieldError("launch_url", N_("Enter the address that the tile leads to."))
        return None
    parts = urlsplit(typed)
    plain = typed.isascii() and not has_unsafe_characters(typed) and not any(one in typed for one in ' \\<>"')
    if parts.scheme not in {"https", "http"} or not parts.hostname or len(typed) > _MAX_URI or not plain:
        raise FieldError("launch_url", N_("Enter a whole address, such as https://app.example/."))
    return typed


def _hosts(typed: str) -> tuple[str, ...]:
    lines = _lines(typed.replace(",", "\n"))
    if not lines:
        raise FieldError("hosts", N_("Enter the name under which the proxy serves the app, such as wiki.example.com."))
    if len(lines) > MAX_HOSTS:
        raise FieldError("hosts", N_("%(count)s names at most."), count=str(MAX_HOSTS))
    return tuple(sorted(_host(line) for line in lines))


def _host(line: str) -> str:
    cleaned = clean_host(line.lower().rstrip("."))
    if cleaned is None:
        raise FieldError(
            "hosts", N_("“%(host)s” is no host name, such as wiki.example.com. Enter each whole."), host=line[:100]
        )
    return cleaned


def _sector(typed: str) -> str:
    sector = typed.strip().lower()
    if sector and not _SECTOR.match(sector):
        raise FieldError("sector", N_("Use letters, digits, dots and hyphens, such as tools.example.com."))
    return sector
