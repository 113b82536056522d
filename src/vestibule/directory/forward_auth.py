"""Forward-auth: an app behind a reverse proxy that asks Vestibule about each request. The nouns, and what a host is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from vestibule.directory.apps import App
from vestibule.directory.entry import Standing
from vestibule.directory.sessions import Session
from vestibule.kernel.text import clean_domain

DEFAULT_PORTS: Final = {"https": 443, "http": 80}
_MAX_PORT: Final = 65_535
_HOST: Final = re.compile(r"(?P<name>[^:/@\[\]\s]{1,253})(?::(?P<port>[0-9]{1,5}))?\Z")


@dataclass(frozen=True, slots=True)
class ForwardAuthSession:
    """A browser that is signed in at an app's host, or at every host below a registered domain. Rests on the browser's session here."""

    workspace_id: str
    environment_id: str
    session_id: str
    host: str
    domain: str | None = None

    def counts_at(self, host: str) -> bool:
        """Say whether it counts for a host."""
        return host == self.host if self.domain is None else is_below(host, self.domain)


@dataclass(frozen=True, slots=True)
class Code:
    """What a browser takes from our host to the app's, once and within a minute. `browser_hash` is of the one that asked there."""

    workspace_id: str
    environment_id: str
    session_id: str
    host: str
    browser_hash: str
    return_to: str


@dataclass(frozen=True, slots=True)
class Found:
    """All that the question "may this browser use the app at this host" is decided by. `app` is None where no app is at the host.

    `group_names` are those of the person's groups in the environment, by id, Everyone left out.
    """

    session: Session
    standing: Standing
    counts_at: ForwardAuthSession
    app: App | None
    group_names: Mapping[str, str] = field(default_factory=dict)


def clean_host(typed: str, scheme: str = "https") -> str | None:
    """Return a host as it is registered and compared: its name in canonical form, and its port where that is not the scheme's own.

    None for what is no host: an address in numbers, one label alone, or anything around it.
    """
    found = _HOST.match(typed)
    name = clean_domain(found["name"]) if found else None
    if found is None or name is None:
        return None
    port = int(found["port"] or DEFAULT_PORTS[scheme])
    if not 0 < port <= _MAX_PORT:
        return None
    return name if port == DEFAULT_PORTS[scheme] else f"{name}:{port}"


def is_below(host: str, domain: str) -> bool:
    """Say whether a cookie of a domain reaches a host: it is the domain, or below it. Cookies know no ports."""
    name = host.partition(":")[0]
    return name == domain or name.endswith(f".{domain}")


def groups_told(found: Found) -> Mapping[str, str]:
    """Return the groups that an app is told of, by id: those that it is narrowed to, or all of the person's where everyone may use it."""
    app = found.app
    if app is None or app.everyone:
        return found.group_names
    return {group_id: name for group_id, name in found.group_names.items() if group_id in app.group_ids}
