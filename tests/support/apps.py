"""Apps of a house, and an app's own side of OpenID Connect, as plainly as can be: parameters by hand, so that tests can bend each."""

from __future__ import annotations

import hashlib
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from tests.saml import forge
from tests.support import sign_ins
from tests.support.house import Client, House, Server
from vestibule.directory.apps import App, AppKind, AppSecret, OidcSettings
from vestibule.directory.connections import Connection
from vestibule.directory.resource_apis import ResourceApi
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.storage import apps, resource_apis

CALLBACK = "https://app.example/callback"


def make_app(house: House, name: str = "Grafana", key: str = "dev", **changes: Any) -> App:
    """Make an app in an environment: OpenID Connect, confidential and for everyone, unless changes say otherwise."""
    now, environment = house.clock(), house.environments[key]
    made = App(
        id=new_id("app", now),
        workspace_id=environment.workspace_id,
        environment_id=environment.id,
        name=name,
        kind=AppKind.OIDC,
        icon="apps",
        launch_url="https://app.example/",
        everyone=True,
        disabled=False,
        third_party=False,
        registered=False,
        created_at=now,
        oidc=OidcSettings(redirect_uris=(CALLBACK,), post_logout_redirect_uris=("https://app.example/bye",)),
    )
    made = replace(made, **changes)
    with house.runtime.database.transaction() as tx:
        apps.insert_app(tx, made)
    return made


def change_app(house: House, app: App, **changes: Any) -> App:
    """Change an app; what is no field of the app itself is one of its OpenID settings."""
    own = {name: value for name, value in changes.items() if name in App.__dataclass_fields__}
    settings = {name: value for name, value in changes.items() if name not in own}
    changed = replace(app, **own)
    if settings:
        assert changed.oidc is not None
        changed = replace(changed, oidc=replace(changed.oidc, **settings))
    with house.runtime.database.transaction() as tx:
        apps.update_app(tx, changed)
    return changed


def make_secret(house: House, app: App) -> str:
    """Make a client secret of an app, and return it."""
    now, secret = house.clock(), new_token()
    made = AppSecret(new_id("app_secret", now), app.id, secret[-4:], now, None, None, token_hash(secret))
    with house.runtime.database.transaction() as tx:
        apps.insert_secret(tx, app.workspace_id, made)
    return secret


def make_api(
    house: House, identifier: str, scopes: str = "files:read files:write", key: str = "dev", **changes: Any
) -> ResourceApi:
    """Make a resource API of an environment: open, with two scopes, unless changes say otherwise."""
    now, environment = house.clock(), house.environments[key]
    made = ResourceApi(
        id=new_id("api", now),
        workspace_id=environment.workspace_id,
        environment_id=environment.id,
        identifier=identifier,
        name=changes.pop("name", "Files"),
        scopes=tuple(scopes.split()),
        open=changes.pop("open", True),
        app_id=changes.pop("app_id", None),
        created_at=now,
    )
    with house.runtime.database.transaction() as tx:
        resource_apis.insert_api(tx, made)
    return made


def allow_api(house: House, app: App, api: ResourceApi, scopes: str) -> None:
    """Let an app ask for scopes of an API."""
    with house.runtime.database.transaction() as tx:
        resource_apis.allow_app(tx, api, app.id, scopes.split())


@dataclass
class Answered:
    """What came back to an app's address."""

    address: str
    parameters: dict[str, str]

    @property
    def code(self) -> str:
        assert "code" in self.parameters, self.parameters
        return self.parameters["code"]


@dataclass
class RelyingApp:
    """An app's own side: it keeps the verifier, the state and the nonce, and has a secret unless it is public."""

    server: Server
    app: App
    secret: str = field(default="", repr=False)
    environment: str = "dev"
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)
    state: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(12))

    @property
    def issuer(self) -> str:
        return f"{self.server.base_url}/e/{self.environment}"

    def path(self, name: str) -> str:
        return f"/e/{self.environment}/oauth2/{name}"

    def request(self, **changes: Any) -> dict[str, Any]:
        """Return the parameters of an authorization request; None takes one out, a list gives it several times."""
        challenge = urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        parameters = {
            "response_type": "code",
            "client_id": self.app.id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email groups",
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def authorize(self, client: Client, **changes: Any) -> httpx.Response:
        """Send a browser to us, as a link on the app's page does."""
        query = urlencode(self.request(**changes), doseq=True)
        return client.get(f"{self.path('authorize')}?{query}")

    def token(self, **parameters: Any) -> httpx.Response:
        """Ask the token endpoint, authenticated as the app is."""
        return self.post("token", **parameters)

    def post(self, endpoint: str, **parameters: Any) -> httpx.Response:
        """Send a form to one of our endpoints, authenticated as the app is; None takes a parameter out."""
        basic = (self.app.id, self.secret) if self.secret else None
        form = {} if basic else {"client_id": self.app.id}
        form |= {name: value for name, value in parameters.items() if value is not None}
        return httpx.post(self.server.base_url + self.path(endpoint), data=form, auth=basic)

    def exchange(self, code: str, **changes: Any) -> httpx.Response:
        """Bring a code."""
        return self.token(
            **{
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": CALLBACK,
                "code_verifier": self.verifier,
                **changes,
            }
        )

    def refresh(self, refresh_token: str, **changes: Any) -> httpx.Response:
        """Bring a refresh token."""
        return self.token(**{"grant_type": "refresh_token", "refresh_token": refresh_token, **changes})

    def user_info(self, access_token: str) -> httpx.Response:
        """Ask who the person is."""
        headers = {"Authorization": f"Bearer {access_token}"}
        return httpx.get(self.server.base_url + self.path("userinfo"), headers=headers)

    def tokens(
        self, client: Client, connection: Connection, email: str = "grace@example.com", **changes: Any
    ) -> dict[str, Any]:
        """Do the whole round through SAML, and return what the token endpoint gave."""
        answered = through_saml(self, client, connection, email, **changes)
        response = self.exchange(answered.code)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found


def answer_in(response: httpx.Response) -> Answered:
    """Read what goes to the app out of a redirect, or of the page that leads there by link or form."""
    if response.status_code == 303:
        url = response.headers["location"]
    else:
        assert response.status_code == 200, response.text
        link = re.search(r'<meta http-equiv="refresh" content="0;url=([^"]+)">', response.text)
        if link is None:
            action = re.search(r'<form action="([^"]+)" method="post" data-submits-itself>', response.text)
            assert action is not None, response.text
            fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', response.text)
            return Answered(unescape(action.group(1)), {name: unescape(value) for name, value in fields})
        url = unescape(link.group(1))
    parts = urlsplit(url)
    return Answered(
        f"{parts.scheme}://{parts.netloc}{parts.path}", dict(parse_qsl(parts.query, keep_blank_values=True))
    )


def through_saml(
    app: RelyingApp, client: Client, connection: Connection, email: str = "grace@example.com", **changes: Any
) -> Answered:
    """Send a browser from the app to us, to its IdP and back, and return what the app gets."""
    return answer_in(signed_in_for(app, client, connection, app.authorize(client, **changes), email))


def signed_in_for(
    app: RelyingApp,
    client: Client,
    connection: Connection,
    sent: httpx.Response,
    email: str = "grace@example.com",
    *,
    idp_is_ahead: timedelta = timedelta(0),
) -> httpx.Response:
    """Sign in where an authorization request led, and return the page that comes when the request goes on."""
    assert sent.status_code == 303, sent.text
    wanted = dict(parse_qsl(urlsplit(sent.headers["location"]).query))
    client.get(sent.headers["location"])
    fields = {"again": "1"} if "again" in wanted else {}
    begun = client.post(f"/e/{app.environment}/sign-in", {"email": email, "return_to": wanted["return_to"], **fields})
    started = sign_ins.read_request(begun)
    instant = forge.instant(app.server.house.clock() + idp_is_ahead)
    data = sign_ins.answer(app.server, connection, started.request_id, email, authn_instant=instant)
    back = sign_ins.post(client, connection, data, started.relay_state)
    assert back.status_code == 303, back.text
    return client.get(back.headers["location"])
