"""The practice app's side of OpenID Connect: asks for a person, verifies who came, refreshes, and reads logout tokens.

It knows its provider by discovery and nothing else, as any app does. Owns no browser and no session.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote, urlencode

import httpcore
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from vestibule.kernel.clock import Clock
from vestibule.practice.errors import NotBelieved, NotLoopback, ProviderRefused, ProviderSilent
from vestibule.practice.loopback import is_loopback_url

SCOPE: Final = "openid profile email groups"
LOGOUT_EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
_ALGORITHMS: Final = ["RS256"]
_LEEWAY_SECONDS: Final = 60
_TIMEOUT: Final = {"connect": 5.0, "read": 10.0, "write": 5.0, "pool": 5.0}
_REMEMBERED_JTIS: Final = 1000


@dataclass(frozen=True, slots=True)
class Begun:
    """What the app keeps of a request until its answer comes, and where the browser goes with it."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody whom the provider signed in: the verified claims, and the tokens."""

    claims: Mapping[str, Any]
    id_token: str = field(repr=False)
    refresh_token: str = field(repr=False, default="")


class RelyingParty:
    """A confidential client of one issuer on this machine. Raises NotLoopback for any other issuer."""

    def __init__(self, issuer: str, redirect_uri: str, clock: Clock) -> None:
        if not is_loopback_url(issuer):
            raise NotLoopback(f"issuer {issuer!r}")
        self.issuer = issuer
        self._redirect_uri = redirect_uri
        self._clock = clock
        self._client_id, self._client_secret = "", ""
        self._metadata: dict[str, Any] = {}
        self._seen_jtis: dict[str, None] = {}

    def know(self, client_id: str, client_secret: str) -> None:
        """Take what the provider gave when the app was registered there."""
        self._client_id, self._client_secret = client_id, client_secret

    def begin(self) -> Begun:
        """Return a request with PKCE, state and nonce (OpenID Connect Core 3.1.2.1; RFC 7636)."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "scope": SCOPE,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return Begun(state, nonce, verifier, f"{self._endpoint('authorization_endpoint')}?{urlencode(query)}")

    def finish(self, begun: Begun, answered: Mapping[str, str]) -> SignedIn:
        """Bring an untrusted answer's code, and return who it stands for. Raises NotBelieved, ProviderRefused, ProviderSilent."""
        if answered.get("iss") != self.issuer:
            raise NotBelieved("the answer is another issuer's (RFC 9207)")
        if "error" in answered:
            raise ProviderRefused(answered["error"])
        form = {
            "grant_type": "authorization_code",
            "code": answered.get("code", ""),
            "redirect_uri": self._redirect_uri,
            "code_verifier": begun.verifier,
        }
        found = self._tokens(form)
        claims = self._verified(found["id_token"], nonce={"essential": True, "value": begun.nonce})
        return SignedIn(claims, found["id_token"], found.get("refresh_token", ""))

    def refresh(self, before: SignedIn) -> SignedIn:
        """Ask for new tokens, and so whether the person may still use the app. Raises ProviderRefused, NotBelieved, ProviderSilent."""
        found = self._tokens({"grant_type": "refresh_token", "refresh_token": before.refresh_token})
        claims = self._verified(found["id_token"])
        if claims["sub"] != before.claims["sub"]:
            raise NotBelieved("the refreshed ID token is about somebody else (OpenID Connect Core 12.2)")
        return replace(before, claims=claims, id_token=found["id_token"], refresh_token=found["refresh_token"])

    def sign_out_url(self, signed_in: SignedIn, back_to: str) -> str:
        """Return where the browser goes to sign out of everything (OpenID Connect RP-Initiated Logout 1.0, 2)."""
        query = {
            "id_token_hint": signed_in.id_token,
            "client_id": self._client_id,
            "post_logout_redirect_uri": back_to,
        }
        return f"{self._endpoint('end_session_endpoint')}?{urlencode(query)}"

    def read_logout(self, untrusted: str) -> tuple[str, str]:
        """Return whose sessions end, as `sub` and `sid`, by an untrusted logout token, once. Raises NotBelieved, ProviderSilent.

        OpenID Connect Back-Channel Logout 1.0, 2.6.
        """
        claims = self._verified(untrusted, typ="logout+jwt", jti={"essential": True})
        if LOGOUT_EVENT not in claims.get("events", {}) or "nonce" in claims:
            raise NotBelieved("no logout token")
        if claims["jti"] in self._seen_jtis:
            raise NotBelieved("a logout token that came before")
        self._seen_jtis[claims["jti"]] = None
        while len(self._seen_jtis) > _REMEMBERED_JTIS:
            self._seen_jtis.pop(next(iter(self._seen_jtis)))
        return str(claims.get("sub", "")), str(claims.get("sid", ""))

    def _verified(self, token: str, typ: str = "JWT", **required: Any) -> dict[str, Any]:
        keys = KeySet.import_key_set(self._fetch(self._endpoint("jwks_uri")))
        rules = jwt.JWTClaimsRegistry(
            now=int(self._clock().timestamp()),
            leeway=_LEEWAY_SECONDS,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self._client_id},
            exp={"essential": True},
            sub={"essential": True},
            **required,
        )
        try:
            found = jwt.decode(token, keys, algorithms=_ALGORITHMS)
            rules.validate(found.claims)
        except (JoseError, ValueError) as error:
            raise NotBelieved(f"{type(error).__name__}: {error}") from error
        if found.header.get("typ") != typ:
            raise NotBelieved("another kind of token")
        return dict(found.claims)

    def _tokens(self, form: Mapping[str, str]) -> Any:
        secret = b64encode(f"{quote(self._client_id)}:{quote(self._client_secret)}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}", "Content-Type": "application/x-www-form-urlencoded"}
        return self._fetch(self._endpoint("token_endpoint"), "POST", headers, urlencode(form).encode())

    def _endpoint(self, name: str) -> str:
        if not self._metadata:
            found = self._fetch(f"{self.issuer}/.well-known/openid-configuration")
            if found.get("issuer") != self.issuer:
                raise NotBelieved("the metadata is another issuer's (OpenID Connect Discovery 1.0, 4.3)")
            self._metadata = found
        return str(self._metadata[name])

    def _fetch(
        self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> Any:
        if not is_loopback_url(url):
            raise NotLoopback(f"endpoint {url!r}")
        try:
            response = httpcore.request(
                method, url, headers=[*(headers or {}).items()], content=content, extensions={"timeout": _TIMEOUT}
            )
            body = json.loads(response.content)
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, ValueError) as error:
            raise ProviderSilent(f"{type(error).__name__} at {url}") from error
        if response.status != 200:
            raise ProviderRefused(str(body.get("error", response.status)) if isinstance(body, dict) else "")
        return body
