"""Hostile tokens, codes and clients: at the token endpoint, userinfo, introspection and sign-out, each is worth nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.support import apps
from tests.support.apps import CALLBACK, RelyingApp
from tests.support.house import Server
from tests.support.oidc_scene import Scene, scene_of
from vestibule.directory.apps import ClientAuthentication
from vestibule.flows import end_user
from vestibule.flows.parts.clients import FAILURES_PER_ADDRESS
from vestibule.kernel.secrets import new_token
from vestibule.oidc.client_authentication import JWT_BEARER
from vestibule.oidc.client_keys import read_client_keys
from vestibule.storage import access


@pytest.fixture
def scene(server: Server) -> Scene:
    return scene_of(server)


def code_of(scene: Scene, **changes: Any) -> str:
    """Return a fresh code; the person is signed in after the first."""
    sent = scene.app.authorize(scene.client, **changes)
    if "sign-in" in sent.headers.get("location", ""):
        return apps.answer_in(apps.signed_in_for(scene.app, scene.client, scene.connection, sent)).code
    return apps.answer_in(sent).code


def segment(value: object) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def require_dead(scene: Scene, tokens: dict[str, Any]) -> None:
    assert scene.app.user_info(tokens["access_token"]).status_code == 401
    assert scene.app.post("introspect", token=tokens["access_token"]).json() == {"active": False}
    assert scene.app.post("introspect", token=tokens["refresh_token"]).json() == {"active": False}
    assert scene.app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_code_that_comes_twice_ends_everything_that_it_led_to(scene: Scene) -> None:
    code = code_of(scene)
    tokens = scene.app.exchange(code).json()
    assert scene.app.user_info(tokens["access_token"]).status_code == 200
    again = scene.app.exchange(code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    require_dead(scene, tokens)
    assert len(scene.recorded("app.code_replayed")) == 1


def test_a_code_brought_wrongly_is_used_up(scene: Scene) -> None:
    other = scene.other_app()
    wrong: list[dict[str, Any]] = [
        {"code_verifier": "w" * 43},
        {"code_verifier": "short"},
        {"redirect_uri": "https://app.example/other"},
    ]
    for changes in wrong:
        code = code_of(scene)
        assert scene.app.exchange(code, **changes).json()["error"] == "invalid_grant", changes
        assert scene.app.exchange(code).json()["error"] == "invalid_grant"
    code = code_of(scene)
    assert other.exchange(code, code_verifier=scene.app.verifier).json()["error"] == "invalid_grant"
    assert scene.app.exchange(code).json()["error"] == "invalid_grant"


def test_a_code_without_its_verifier_or_address_is_no_request(scene: Scene) -> None:
    code = code_of(scene)
    whole = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": scene.app.verifier,
    }
    for name in whole:
        assert scene.app.token(**{**whole, name: None}).json()["error"] == "invalid_request", name
    assert scene.app.exchange(code).status_code == 200, "a mistake does not use it up"


def test_a_code_lives_for_less_than_a_minute(scene: Scene) -> None:
    code = code_of(scene)
    scene.server.house.clock.advance(seconds=59)
    assert scene.app.exchange(code).status_code == 200
    code = code_of(scene)
    scene.server.house.clock.advance(seconds=60)
    assert scene.app.exchange(code).json()["error"] == "invalid_grant"


def test_codes_tokens_and_clients_of_one_environment_are_nothing_in_another(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    code = code_of(scene)
    elsewhere = scene.other_app(key="test")
    assert elsewhere.exchange(code, code_verifier=scene.app.verifier).json()["error"] == "invalid_grant"
    assert elsewhere.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert elsewhere.user_info(tokens["access_token"]).status_code == 401
    for kind in ("access_token", "refresh_token"):
        assert elsewhere.post("introspect", token=tokens[kind]).json() == {"active": False}
        assert elsewhere.post("revoke", token=tokens[kind]).status_code == 200
    moved = RelyingApp(scene.server, scene.app.app, scene.app.secret, environment="test")
    assert moved.exchange(code).json()["error"] == "invalid_client"
    hint = {"id_token_hint": tokens["id_token"]}
    assert scene.client.get(elsewhere.path("logout"), params=hint).status_code == 400
    assert scene.app.exchange(code).status_code == 200, "nothing of this has touched it"
    assert scene.app.refresh(tokens["refresh_token"]).status_code == 200


def test_one_app_can_not_use_look_at_or_revoke_what_another_was_given(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    other = scene.other_app()
    for kind in ("access_token", "refresh_token"):
        assert other.post("introspect", token=tokens[kind]).json() == {"active": False}
        assert other.post("revoke", token=tokens[kind]).status_code == 200
    assert scene.app.user_info(tokens["access_token"]).status_code == 200
    assert other.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    require_dead(scene, tokens)
    assert len(scene.recorded("app.refresh_token_misused")) == 1


def test_a_refresh_token_that_comes_twice_ends_everything(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    newer = scene.app.refresh(tokens["refresh_token"]).json()
    reused = scene.app.refresh(tokens["refresh_token"])
    assert (reused.status_code, reused.json()["error"]) == (400, "invalid_grant")
    require_dead(scene, newer)
    assert len(scene.recorded("app.refresh_token_reused")) == 1


def test_a_refresh_token_ends_on_its_day(scene: Scene) -> None:
    lasting = scene.app.tokens(scene.client, scene.connection, scope="openid offline_access")
    scene.server.house.clock.advance(seconds=scene.app.app.oidc.refresh_token_ttl.total_seconds() - 1)  # type: ignore[union-attr] # an OpenID app
    newer = scene.app.refresh(lasting["refresh_token"])
    assert newer.status_code == 200
    scene.server.house.clock.advance(seconds=1)
    assert scene.app.refresh(newer.json()["refresh_token"]).json()["error"] == "invalid_grant"


def test_somebody_deactivated_has_no_use_of_live_tokens(scene: Scene) -> None:
    house = scene.server.house
    offline = scene.app.tokens(scene.client, scene.connection, scope="openid email offline_access")
    bound = scene.app.exchange(code_of(scene)).json()
    code = code_of(scene)
    end_user.deactivate(house.runtime, house.owner, scene.grace.id)
    require_dead(scene, bound)
    require_dead(scene, offline)
    assert scene.app.exchange(code).json()["error"] == "invalid_grant"


def test_whoever_loses_the_app_or_the_environment_has_no_use_of_live_tokens(scene: Scene) -> None:
    house = scene.server.house
    tokens = scene.app.tokens(scene.client, scene.connection, scope="openid offline_access")
    open_app = scene.app.app
    narrowed = apps.change_app(house, open_app, everyone=False)
    require_dead(scene, tokens)
    apps.change_app(house, narrowed, everyone=True)
    tokens = scene.app.exchange(code_of(scene, scope="openid offline_access")).json()
    with house.runtime.database.transaction() as tx:
        access.revoke_access(tx, scene.grace.workspace_id, house.environments["dev"].id, scene.grace.id)
    require_dead(scene, tokens)


def test_an_app_that_was_disabled_gets_nothing(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    apps.change_app(scene.server.house, scene.app.app, disabled=True)
    assert scene.app.user_info(tokens["access_token"]).status_code == 401
    assert scene.app.refresh(tokens["refresh_token"]).status_code == 401


def test_an_access_token_ends_after_its_ten_minutes(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    scene.server.house.clock.advance(seconds=599)
    assert scene.app.user_info(tokens["access_token"]).status_code == 200
    scene.server.house.clock.advance(seconds=1)
    assert scene.app.user_info(tokens["access_token"]).status_code == 401


def test_no_token_passes_as_another_kind_of_token(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    for wrong in (tokens["id_token"], tokens["refresh_token"]):
        refused = scene.app.user_info(wrong)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert scene.app.post("introspect", token=tokens["id_token"]).json() == {"active": False}
    for wrong in (tokens["access_token"], tokens["refresh_token"]):
        assert scene.client.get(scene.app.path("logout"), params={"id_token_hint": wrong}).status_code == 400
        assert scene.app.exchange(wrong).json()["error"] == "invalid_grant"
    assert scene.app.refresh(tokens["access_token"]).json()["error"] == "invalid_grant"


def forged_tokens(scene: Scene, token: str) -> dict[str, str]:
    """Return what an attacker makes of an access token: other algorithms, keys that the header chooses, other claims."""
    header = pyjwt.get_unverified_header(token)
    claims = pyjwt.decode(token, options={"verify_signature": False})
    _, payload, signature = token.split(".")
    jwks = httpx.get(f"{scene.app.issuer}/jwks.json").json()
    jwk = next(one for one in jwks["keys"] if one["kid"] == header["kid"])
    pem = pyjwt.PyJWK.from_dict(jwk).key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    own = ec.generate_private_key(ec.SECP256R1())

    def hmac_with(secret: bytes) -> str:
        signed = f"{segment({**header, 'alg': 'HS256'})}.{payload}"
        return f"{signed}.{segment(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

    def with_header(**changes: Any) -> str:
        return f"{segment({**header, **changes})}.{payload}.{signature}"

    return {
        "none": f"{segment({**header, 'alg': 'none'})}.{payload}.",
        "hmac with the public key": hmac_with(pem),
        "hmac with the jwk": hmac_with(json.dumps(jwk).encode()),
        "another key": pyjwt.encode(claims, own, algorithm="ES256", headers={"kid": header["kid"], "typ": "at+jwt"}),
        "the other algorithm": with_header(alg="EdDSA"),
        "no kid": with_header(kid=None),
        "kid as a path": with_header(kid="../../../../dev/null"),
        "kid as sql": with_header(kid="' OR 1=1 --"),
        "kid as a list": with_header(kid=[header["kid"]]),
        "kid as an object": with_header(kid={"a": 1}),
        "jku": with_header(jku="https://evil.example/jwks.json"),
        "jwk": with_header(jwk=jwk),
        "crit": with_header(crit=["exp"]),
        "b64": with_header(b64=False, crit=["b64"]),
        "other claims": f"{token.split('.', maxsplit=1)[0]}.{segment({**claims, 'sub': 'root'})}.{signature}",
        "four parts": token + ".x",
        "too long": token + "A" * 20_000,
        "nothing": "..",
    }


def test_a_forged_token_is_refused_whatever_its_header_says(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    for name, forged in forged_tokens(scene, tokens["access_token"]).items():
        assert scene.app.user_info(forged).status_code == 401, name
        inactive = scene.app.post("introspect", token=forged[:4000])
        assert inactive.json() == {"active": False}, name
    for name, forged in forged_tokens(scene, tokens["id_token"]).items():
        asked = scene.client.get(scene.app.path("logout"), params={"id_token_hint": forged[:4000]})
        assert asked.status_code == 400, name
    assert scene.app.user_info(tokens["access_token"]).status_code == 200


def test_a_token_in_two_places_or_in_the_address_is_none(scene: Scene) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    url, token = scene.server.base_url + scene.app.path("userinfo"), tokens["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    assert httpx.post(url, headers=header).status_code == 200
    assert httpx.post(url, data={"access_token": token}).status_code == 200
    assert httpx.post(url, headers=header, data={"access_token": token}).status_code == 400
    assert httpx.get(url, params={"access_token": token}).status_code == 401
    assert httpx.get(url).status_code == 401


@pytest.mark.parametrize(
    ("method", "name"),
    [("GET", "userinfo"), ("POST", "userinfo"), ("POST", "register"), ("GET", "register/app_1")],
)
def test_who_brings_no_token_reads_no_error_code_in_the_challenge(scene: Scene, method: str, name: str) -> None:
    """RFC 6750, 3.1: the request was not wrong, it lacked what is asked for."""
    url = scene.server.base_url + scene.app.path(name)
    asked = httpx.request(method, url)
    assert (asked.status_code, asked.headers["www-authenticate"]) == (401, 'Bearer realm="Vestibule"')
    wrong = httpx.request(method, url, headers={"Authorization": "Bearer wrong"})
    assert (wrong.status_code, 'error="invalid_token"' in wrong.headers["www-authenticate"]) == (401, True)


def test_a_request_for_userinfo_by_post_needs_no_body_and_no_length(scene: Scene) -> None:
    token = scene.app.tokens(scene.client, scene.connection)["access_token"]
    with closing(http.client.HTTPConnection(urlsplit(scene.server.base_url).netloc, timeout=30)) as connection:
        connection.putrequest("POST", scene.app.path("userinfo"))
        connection.putheader("Authorization", f"Bearer {token}")
        connection.endheaders()
        assert connection.getresponse().status == 200


def test_a_client_proves_itself_in_the_agreed_way_and_in_one(scene: Scene) -> None:
    code, public = code_of(scene), scene.other_app("Public")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": scene.app.verifier,
    }
    url, app_id, secret = scene.server.base_url + scene.app.path("token"), scene.app.app.id, scene.app.secret
    refused = httpx.post(url, data=form, auth=(app_id, "wrong"))
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.headers["www-authenticate"].startswith("Basic")
    assert httpx.post(url, data={**form, "client_id": app_id}).status_code == 401
    assert httpx.post(url, data=form).status_code == 401
    assert httpx.post(url, data={**form, "client_secret": secret}, auth=(app_id, secret)).status_code == 400
    assert httpx.post(url, data={**form, "client_id": public.app.id}, auth=(app_id, secret)).status_code == 400
    for broken in ("Basic", "Basic !!!", "Basic " + base64.b64encode(b"no colon").decode(), "Basic " + "A" * 9000):
        assert httpx.post(url, data=form, headers={"Authorization": broken}).status_code in {400, 401}, broken
    apps.change_app(scene.server.house, public.app, authentication=ClientAuthentication.NONE)
    assert public.token(grant_type="refresh_token", refresh_token="x").status_code == 401, (
        "a public client has no secret"
    )
    assert httpx.post(url, data={**form, "client_id": app_id, "client_secret": secret}).status_code == 200


def test_guessing_at_clients_is_slowed_down(scene: Scene) -> None:
    url = scene.server.base_url + scene.app.path("token")
    with httpx.Client() as http:
        statuses = [
            http.post(url, data={"client_id": "app_guess"}).status_code
            for _ in range(FAILURES_PER_ADDRESS.attempts + 1)
        ]
    assert statuses == [401] * FAILURES_PER_ADDRESS.attempts + [429]


def with_key(scene: Scene, curve: type[ec.EllipticCurve] = ec.SECP256R1) -> ec.EllipticCurvePrivateKey:
    """Let the app prove itself by a key of its own, and return that."""
    key = ec.generate_private_key(curve())
    jwk = {**pyjwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "k1", "use": "sig"}
    scene.app.app = apps.change_app(
        scene.server.house,
        scene.app.app,
        authentication=ClientAuthentication.PRIVATE_KEY_JWT,
        jwks=json.dumps({"keys": [jwk]}),
    )
    return key


def brought(scene: Scene, key: Any, *, alg: str = "ES256", kid: str = "k1", **changes: Any) -> httpx.Response:
    """Bring a refresh token that nobody has, with an assertion: invalid_grant says that the client was believed."""
    now = int(scene.server.house.clock().timestamp())
    claims = {
        "iss": scene.app.app.id,
        "sub": scene.app.app.id,
        "aud": scene.app.issuer,
        "jti": "once",
        "iat": now,
        "exp": now + 60,
        **changes,
    }
    whole = {name: value for name, value in claims.items() if value is not None}
    form = {
        "grant_type": "refresh_token",
        "refresh_token": "nobody's",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": pyjwt.encode(whole, key, algorithm=alg, headers={"kid": kid}),
    }
    return httpx.post(scene.server.base_url + scene.app.path("token"), data=form)


def test_an_assertion_of_the_clients_key_is_believed_once(scene: Scene) -> None:
    key = with_key(scene)
    assert brought(scene, key).json()["error"] == "invalid_grant"
    assert brought(scene, key).json()["error"] == "invalid_client", "the same jti"
    by_endpoint = brought(scene, key, jti="two", aud=f"{scene.app.issuer}/oauth2/token")
    assert by_endpoint.json()["error"] == "invalid_grant"


def test_an_assertion_may_name_us_in_each_way_that_clients_do(scene: Scene) -> None:
    key, issuer = with_key(scene), scene.app.issuer
    token, pushed = f"{issuer}/oauth2/token", f"{issuer}/oauth2/par"
    audiences: list[object] = [[issuer], pushed, [issuer, token], [issuer, token, pushed]]
    for number, audience in enumerate(audiences):
        assert brought(scene, key, jti=f"{number}", aud=audience).json()["error"] == "invalid_grant", audience


def test_the_times_of_an_assertion_may_have_fractions_of_a_second(scene: Scene) -> None:
    key, now = with_key(scene), scene.server.house.clock().timestamp()
    assert brought(scene, key, iat=now + 0.25, nbf=now - 0.5, exp=now + 60.5).json()["error"] == "invalid_grant"


def test_an_assertion_is_verified_by_the_algorithm_of_its_keys_curve_and_no_other(scene: Scene) -> None:
    for curve, alg in ((ec.SECP384R1, "ES384"), (ec.SECP521R1, "ES512")):
        key = with_key(scene, curve)
        assert brought(scene, key, alg=alg, jti=alg).json()["error"] == "invalid_grant"
        stranger = ec.generate_private_key(ec.SECP256R1())
        assert brought(scene, stranger, alg="ES256", jti=f"{alg} otherwise").json()["error"] == "invalid_client"


def test_a_key_for_encryption_of_an_unknown_kind_or_for_another_algorithm_verifies_no_assertion(scene: Scene) -> None:
    key, other = rsa.generate_private_key(65_537, 2_048), ec.generate_private_key(ec.SECP256R1())
    mine: dict[str, Any] = {**pyjwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": "k1"}
    usable = {**pyjwt.algorithms.ECAlgorithm.to_jwk(other.public_key(), as_dict=True), "kid": "k1"}

    def error(signed_by: str, said: Mapping[str, object]) -> str:
        keys = [{"kty": "AKP", "kid": "k1"}, {**mine, **said}, usable]
        by_key = {"authentication": ClientAuthentication.PRIVATE_KEY_JWT, "jwks": read_client_keys({"keys": keys})}
        scene.app.app = apps.change_app(scene.server.house, scene.app.app, **by_key)
        assert brought(scene, other, jti=new_token()).json()["error"] == "invalid_grant", "the others in the set count"
        return str(brought(scene, key, alg=signed_by, jti=new_token()).json()["error"])

    mine.pop("key_ops", None)
    verify: list[dict[str, object]] = [{}, {"use": "sig"}, {"alg": "RS256"}, {"key_ops": ["verify"]}]
    for said in verify:
        assert error("RS256", said) == "invalid_grant", said
    do_not: list[dict[str, object]] = [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": []}, {"alg": "RSA-OAEP"}]
    for said in do_not:
        assert error("RS256", said) == "invalid_client", said
    for alg, another in (("RS256", "PS256"), ("PS256", "RS256")):
        assert error(alg, {"alg": alg}) == "invalid_grant"
        assert error(another, {"alg": alg}) == "invalid_client"


def test_an_assertion_that_is_not_exactly_for_us_and_now_is_refused(scene: Scene) -> None:
    key, now = with_key(scene), int(scene.server.house.clock().timestamp())
    wrong: list[dict[str, Any]] = [
        {"aud": "https://elsewhere.example"},
        {"aud": [scene.app.issuer, "https://elsewhere.example"]},
        {"aud": None},
        {"aud": []},
        {"aud": [[]]},
        {"aud": [{}]},
        {"aud": {}},
        {"iss": "app_other"},
        {"sub": scene.other_app().app.id},
        {"exp": now},
        {"exp": now + 661},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": True},
        {"iat": float("nan")},
        {"iat": now + 61},
        {"nbf": now + 61},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 257},
        {"jti": "\ud800"},
        {"jti": "a\0b"},
        {"jti": ["a"]},
        {"kid": "k2"},
    ]
    for changes in wrong:
        assert brought(scene, key, **{"jti": "fresh", **changes}).json()["error"] == "invalid_client", changes
    stranger = ec.generate_private_key(ec.SECP256R1())
    assert brought(scene, stranger, jti="a").json()["error"] == "invalid_client"
    assert brought(scene, "s" * 64, alg="HS256", jti="b").json()["error"] == "invalid_client"
    assert brought(scene, None, alg="none", jti="c").json()["error"] == "invalid_client"
    assert brought(scene, key, jti="last").json()["error"] == "invalid_grant"


def test_oversized_and_malformed_requests_are_refused_and_never_an_error_of_ours(scene: Scene) -> None:
    url = scene.server.base_url + scene.app.path("token")
    auth = (scene.app.app.id, scene.app.secret)
    for value in ("x" * 10_000, "\x00", "\u202e", "%00%ff"):
        for name in ("code", "code_verifier", "redirect_uri", "grant_type", "scope", "refresh_token"):
            form = {"grant_type": "authorization_code", "code": "c", "redirect_uri": CALLBACK, name: value}
            assert 400 <= httpx.post(url, data=form, auth=auth).status_code < 500, (name, value)
    twice = "grant_type=authorization_code&grant_type=refresh_token&code=x"
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(url, content=twice, headers=kind, auth=auth).json()["error"] == "invalid_request"
    assert httpx.post(url, json={"grant_type": "authorization_code"}, auth=auth).status_code == 415
    assert httpx.post(url, content=b"\xff\xfe=\x80", headers=kind, auth=auth).status_code == 400
    for grant in ("password", "implicit", "urn:ietf:params:oauth:grant-type:jwt-bearer"):
        assert scene.app.token(grant_type=grant).json()["error"] == "unsupported_grant_type"
