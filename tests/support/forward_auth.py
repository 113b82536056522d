"""An app behind a proxy that asks us about each request: what the proxy sends, and what the browser keeps at the app's host."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any

import httpx

from tests.support import sign_ins
from tests.support.apps import make_app
from tests.support.house import Client, House, Server
from vestibule.directory.apps import App, AppKind
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.groups import Group
from vestibule.directory.sources import Source
from vestibule.storage import apps
from vestibule.storage.access import add_member

HOST = "wiki.example.com"
PAGE = {"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}


def wiki(
    house: House, *hosts: str, key: str = "dev", name: str = "Wiki", groups: tuple[Group, ...] | None = None
) -> App:
    """Make a forward-auth app; everyone may use it unless `groups` are named, which may be none."""
    return make_app(
        house,
        name,
        key,
        kind=AppKind.FORWARD_AUTH,
        oidc=None,
        launch_url=None,
        everyone=groups is None,
        group_ids=frozenset(group.id for group in groups or ()),
        hosts=hosts or (HOST,),
    )


def change(house: House, app: App, **changes: object) -> None:
    """Save an app with some of it changed."""
    with house.runtime.database.transaction() as tx:
        apps.update_app(tx, replace(app, **changes))  # type: ignore[arg-type] # the changes are the test's own


def grace(house: House, *groups: Group, environments: tuple[str, ...] = ("dev",)) -> EndUser:
    """Add a person with a password, in groups."""
    person = sign_ins.add_person(
        house, environments=environments, status=EndUserStatus.ACTIVE, password=sign_ins.PASSWORD
    )
    with house.runtime.database.transaction() as tx:
        for group in groups:
            add_member(tx, house.workspace.id, group.id, person.id, source=Source.MANUAL, now=house.clock())
    return person


def sign_in_here(client: Client, key: str = "dev") -> None:
    """Sign a browser in at our own host."""
    client.get(f"/e/{key}/sign-in")
    sent = client.post(f"/e/{key}/sign-in/password", {"email": "grace@example.com", "password": sign_ins.PASSWORD})
    assert sent.status_code == 303, sent.text


@dataclass
class AppHost:
    """A browser at an app's host, whose requests a proxy asks us about. `cookies` are those that the browser keeps for the host."""

    server: Server
    host: str = HOST
    key: str = "dev"
    scheme: str = "http"
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, uri: str = "/", *, nginx: bool = False, method: str = "GET", **changes: str) -> httpx.Response:
        """Ask as Caddy and Traefik do, or as nginx does; `changes` are headers by name with `_` for `-`, empty to leave one out."""
        forwarded = {
            "X-Forwarded-Method": method,
            "X-Forwarded-Proto": self.scheme,
            "X-Forwarded-Host": self.host,
            "X-Forwarded-Uri": uri,
        }
        by_url = {"X-Original-URL": f"{self.scheme}://{self.host}{uri}", "X-Original-Method": method}
        headers = {**PAGE, **(by_url if nginx else forwarded)}
        headers |= {name.replace("_", "-"): value for name, value in changes.items()}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with httpx.Client(base_url=self.server.base_url, timeout=30) as http:
            answer = http.get(f"/e/{self.key}/verify", headers={n: v for n, v in headers.items() if v})
        self._keep(answer)
        return answer

    def _keep(self, answer: httpx.Response) -> None:
        for line in answer.headers.get_list("set-cookie"):
            name, value = line.partition(";")[0].split("=", 1)
            self.cookies[name] = value

    def callback(self, client: Client, uri: str = "/") -> str:
        """Begin at the app, go through our host in a browser that is signed in there, and return the URI that it is sent back to."""
        started = self.ask(uri)
        assert started.status_code == 302, started.text
        path = started.headers["location"].removeprefix(self.server.base_url)
        handed = client.get(path)
        if handed.status_code == 200:
            found = re.search(r'<meta http-equiv="refresh" content="0;url=([^"]+)">', handed.text)
            assert found is not None, handed.text
            back = unescape(found.group(1))
        else:
            assert handed.status_code == 303, handed.text
            back = handed.headers["location"]
        prefix = f"{self.scheme}://{self.host}"
        assert back.startswith(f"{prefix}/.vestibule/callback?code="), back
        return back.removeprefix(prefix)

    def enter(self, client: Client, uri: str = "/") -> httpx.Response:
        """Do the whole round; return what the callback answered."""
        return self.ask(self.callback(client, uri))


def signed_in(server: Server, host: str = HOST, key: str = "dev", **changes: Any) -> AppHost:
    """Return a browser that is signed in at an app's host; the person and the app must be there."""
    client, there = server.client(), AppHost(server, host, key, **changes)
    sign_in_here(client, key)
    entered = there.enter(client)
    assert entered.status_code == 303, entered.text
    return there


def eventually(there: AppHost, status: int, uri: str = "/") -> httpx.Response:
    """Ask until the answer of a moment ago is forgotten, and return the one that comes then."""
    deadline = time.monotonic() + 10
    while (answer := there.ask(uri)).status_code != status:
        assert time.monotonic() < deadline, f"{there.host} still answers {answer.status_code}"
        time.sleep(0.05)
    return answer
