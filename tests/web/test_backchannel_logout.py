"""Back-channel logout: whatever ends somebody's session, the apps that they are signed in to are told, and told again until they hear."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jwt as pyjwt
import pytest
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet
from sqlalchemy import event

from tests.support import apps
from tests.support.apps import RelyingApp
from tests.support.hearing import Hearing, hearing
from tests.support.house import Server
from tests.support.oidc_scene import TELL, Told, id_token_of, told_scene
from tests.support.people import group_of
from vestibule.directory.app_sessions import BACKOFF, KEPT_FOR, Telling
from vestibule.directory.apps import GrantType
from vestibule.directory.sources import Source
from vestibule.flows import app_sessions as flow
from vestibule.flows import discovery, end_user
from vestibule.flows.worker import bring_forward
from vestibule.oidc.logout_tokens import EVENT
from vestibule.outside.telling import Teller
from vestibule.storage import access, sweeping
from vestibule.storage import apps as stored_apps


@pytest.fixture
def heard() -> Iterator[Hearing]:
    with hearing() as running:
        yield running


@pytest.fixture
def scene(server: Server, heard: Hearing) -> Told:
    return told_scene(server, heard)


def verified(scene: Told, token: str) -> dict[str, Any]:
    """Verify a logout token as an app does: by the JWK Set, with another library than ours."""
    keys = pyjwt.PyJWKSet.from_dict(discovery.provider_keys(scene.server.house.runtime, "dev"))
    header = pyjwt.get_unverified_header(token)
    assert header["typ"] == "logout+jwt"
    claims: dict[str, Any] = pyjwt.decode(
        token,
        keys[header["kid"]],
        algorithms=["RS256"],
        audience=scene.app.app.id,
        issuer=scene.app.issuer,
        options={"verify_exp": False, "verify_iat": False},
    )
    return claims


def sign_out(scene: Told) -> None:
    scene.client.get("/e/dev/sign-out")
    assert scene.client.post("/e/dev/sign-out").status_code in {200, 303}


def deactivate(scene: Told) -> None:
    house = scene.server.house
    end_user.deactivate(house.runtime, house.owner, scene.grace.id)


def take_access(scene: Told) -> None:
    house = scene.server.house
    with house.runtime.database.transaction() as tx:
        assert access.revoke_access(tx, scene.grace.workspace_id, house.environments["dev"].id, scene.grace.id)


def narrow_the_app(scene: Told) -> None:
    scene.app.app = apps.change_app(scene.server.house, scene.app.app, everyone=False)


def disable_the_app(scene: Told) -> None:
    scene.app.app = apps.change_app(scene.server.house, scene.app.app, disabled=True)


def wait_until_it_expires(scene: Told) -> None:
    house = scene.server.house
    house.clock.advance(days=30)
    with house.runtime.database.transaction() as tx:
        sweeping.sweep(tx, "sessions", house.clock(), 100)


ENDS = [sign_out, deactivate, take_access, narrow_the_app, disable_the_app, wait_until_it_expires]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_whatever_ends_it_the_app_is_told_once_of_whom_and_which_session(
    scene: Told, end: Callable[[Told], None]
) -> None:
    tokens = scene.app.tokens(scene.client, scene.connection)
    known = pyjwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert scene.tell() == 0
    assert scene.heard.forms == []
    end(scene)
    assert scene.tell() == 1
    (token,) = scene.heard.tokens
    claims = verified(scene, token)
    now = int(scene.server.house.clock().timestamp())
    assert (claims["sub"], claims["sid"]) == (known["sub"], known["sid"])
    assert claims["events"] == {EVENT: {}}
    assert (claims["iat"], claims["exp"]) == (now, now + 120)
    assert "nonce" not in claims
    assert scene.tell() == 0
    assert [one.telling for one in scene.receipt()] == [Telling.TOLD]


def test_every_token_has_an_id_of_its_own(scene: Told) -> None:
    second = apps.change_app(
        scene.server.house, apps.make_app(scene.server.house, "GitLab"), backchannel_logout_uri=scene.heard.url
    )
    other = RelyingApp(scene.server, second, apps.make_secret(scene.server.house, second))
    scene.app.tokens(scene.client, scene.connection)
    assert other.exchange(apps.answer_in(other.authorize(scene.client)).code).status_code == 200
    sign_out(scene)
    assert scene.tell() == 2
    told = [pyjwt.decode(token, options={"verify_signature": False}) for token in scene.heard.tokens]
    assert {claims["aud"] for claims in told} == {scene.app.app.id, second.id}
    assert len({claims["jti"] for claims in told}) == len({claims["sid"] for claims in told}) == 2


def test_an_app_without_an_address_is_not_noted_at_all(scene: Told) -> None:
    scene.app.app = apps.change_app(scene.server.house, scene.app.app, backchannel_logout_uri="")
    scene.app.tokens(scene.client, scene.connection)
    sign_out(scene)
    assert scene.tell() == 0
    assert scene.receipt() == ()


def test_a_group_that_still_allows_the_app_keeps_the_session(scene: Told) -> None:
    house = scene.server.house
    ops = group_of(house, name="Ops")
    with house.runtime.database.transaction() as tx:
        access.add_member(tx, house.workspace.id, ops.id, scene.grace.id, source=Source.MANUAL, now=house.clock())
    scene.app.app = apps.change_app(house, scene.app.app, everyone=False, group_ids=frozenset({ops.id}))
    scene.app.tokens(scene.client, scene.connection)
    assert scene.tell() == 0
    with house.runtime.database.transaction() as tx:
        access.remove_member(tx, house.workspace.id, ops.id, scene.grace.id)
    assert scene.tell() == 1
    assert scene.app.authorize(scene.client).status_code == 403


def test_whoever_gets_the_app_back_within_one_session_is_told_of_again_when_that_ends(scene: Told) -> None:
    scene.app.tokens(scene.client, scene.connection)
    narrow_the_app(scene)
    assert scene.tell() == 1
    scene.app.app = apps.change_app(scene.server.house, scene.app.app, everyone=True)
    assert scene.tell() == 0
    assert "code" in apps.answer_in(scene.app.authorize(scene.client)).parameters
    assert [one.telling for one in scene.receipt()] == [Telling.LIVE]
    sign_out(scene)
    assert scene.tell() == 1
    assert len(scene.heard.tokens) == 2


def test_an_app_that_is_down_is_told_again_later_and_in_the_end_given_up_on_the_record(scene: Told) -> None:
    house = scene.server.house
    scene.app.tokens(scene.client, scene.connection)
    scene.heard.status = 503
    sign_out(scene)
    for attempt, wait in enumerate(BACKOFF, start=1):
        assert scene.tell() == 1
        (one,) = scene.receipt()
        assert (one.attempts, one.telling, one.failure) == (
            attempt,
            Telling.UNDER_WAY,
            "the app answered with status 503",
        )
        house.clock.advance(seconds=wait.total_seconds() - 1)
        assert scene.tell() == 0, "not before its time"
        house.clock.advance(seconds=1)
    assert scene.tell() == 1
    assert [one.telling for one in scene.receipt()] == [Telling.GIVEN_UP]
    house.clock.advance(days=2)
    assert scene.tell() == 0
    assert [entry.event.subject.id for entry in scene.recorded("app.logout_given_up")] == [scene.app.app.id]
    assert len(set(scene.heard.tokens)) == len(BACKOFF) + 1, (
        "each attempt has a fresh token, none outlives its two minutes"
    )


def test_an_app_that_comes_back_is_told(scene: Told) -> None:
    scene.app.tokens(scene.client, scene.connection)
    scene.heard.status = 500
    sign_out(scene)
    assert scene.tell() == 1
    scene.heard.status = 204
    scene.server.house.clock.advance(seconds=BACKOFF[0].total_seconds())
    assert scene.tell() == 1
    (one,) = scene.receipt()
    assert (one.telling, one.attempts, one.failure) == (Telling.TOLD, 2, None)


def test_a_redirect_is_not_followed(scene: Told) -> None:
    scene.app.tokens(scene.client, scene.connection)
    scene.heard.status, scene.heard.location = 307, scene.heard.url + "/elsewhere"
    sign_out(scene)
    assert scene.tell() == 1
    assert len(scene.heard.forms) == 1
    assert scene.receipt()[0].failure == "the app answered with status 307"


def test_a_private_address_is_not_reached_into_unless_the_operator_allows_it(scene: Told) -> None:
    scene.app.tokens(scene.client, scene.connection)
    sign_out(scene)
    guarded = Teller(allow_http=True, allow_private=False)
    assert flow.tell_due(scene.server.house.runtime, guarded) == 1
    assert scene.heard.forms == []
    assert "private network" in (scene.receipt()[0].failure or "")
    scene.server.house.clock.advance(seconds=BACKOFF[0].total_seconds())
    flow.tell_due(scene.server.house.runtime, Teller(allow_http=False, allow_private=True))
    assert scene.heard.forms == [], "nor without https"


def test_what_one_node_took_another_leaves_alone_until_the_lease_has_run_out(scene: Told) -> None:
    runtime = scene.server.house.runtime
    scene.app.tokens(scene.client, scene.connection)
    sign_out(scene)
    assert len(flow.take_due(runtime, 8)) == 1
    assert flow.take_due(runtime, 8) == ()
    scene.server.house.clock.advance(seconds=flow.LEASE.total_seconds())
    assert scene.tell() == 1
    assert len(scene.heard.forms) == 1


def test_an_app_whom_a_clock_years_ahead_put_off_is_told_once_it_is_right(scene: Told) -> None:
    runtime, clock = scene.server.house.runtime, scene.server.house.clock
    scene.app.tokens(scene.client, scene.connection)
    sign_out(scene)
    scene.heard.status = 503
    clock.advance(days=800)
    assert scene.tell() == 1
    clock.advance(days=-800)
    scene.heard.status = 204
    assert scene.tell() == 0
    bring_forward(runtime)
    assert scene.tell() == 1
    assert [one.telling for one in scene.receipt()] == [Telling.TOLD]


def test_the_announcer_tells_by_itself_and_stops(scene: Told) -> None:
    scene.app.tokens(scene.client, scene.connection)
    announcer = flow.Announcer(scene.server.house.runtime, TELL)
    announcer.start()
    try:
        sign_out(scene)
        assert scene.heard.heard.wait(30)
    finally:
        announcer.stop()
    assert [one.telling for one in scene.receipt()] == [Telling.TOLD]


def test_a_logout_token_is_no_access_token_and_no_proof_of_a_session(scene: Told) -> None:
    scene.app.tokens(scene.client, scene.connection)
    sign_out(scene)
    scene.tell()
    (token,) = scene.heard.tokens
    assert scene.app.user_info(token).status_code == 401
    assert scene.client.get(scene.app.path("logout"), params={"id_token_hint": token}).status_code == 400


def test_another_library_reads_the_token_as_it_should(scene: Told) -> None:
    scene.app.tokens(scene.client, scene.connection)
    sign_out(scene)
    scene.tell()
    keys = KeySet.import_key_set(discovery.provider_keys(scene.server.house.runtime, "dev"))  # type: ignore[arg-type] # a plain dict is what it reads
    read = joserfc_jwt.decode(scene.heard.tokens[0], keys, algorithms=["RS256"])
    assert read.header["typ"] == "logout+jwt"
    assert read.claims["aud"] == scene.app.app.id


def test_a_deleted_person_is_told_of_too_and_a_deleted_app_is_not(scene: Told) -> None:
    house = scene.server.house
    scene.app.tokens(scene.client, scene.connection)
    end_user.delete(house.runtime, house.owner, scene.grace.id)
    assert scene.tell() == 1
    scene.heard.forms.clear()
    with house.runtime.database.transaction() as tx:
        stored_apps.delete_app(tx, house.workspace.id, scene.app.app.id)
    house.clock.advance(days=1)
    assert scene.tell() == 0
    assert scene.receipt() == ()


def test_outcomes_are_kept_for_ninety_days_and_swept_then(scene: Told) -> None:
    house = scene.server.house
    scene.app.tokens(scene.client, scene.connection)
    sign_out(scene)
    scene.tell()
    house.clock.advance(seconds=KEPT_FOR.total_seconds() - 1)
    assert swept(scene) == 0
    house.clock.advance(seconds=1)
    assert swept(scene) == 1
    assert scene.receipt() == ()


def test_looking_for_nothing_takes_one_statement_and_writes_nothing(scene: Told) -> None:
    scene.app.tokens(scene.client, scene.connection)
    statements = list[str]()
    engine = scene.server.house.runtime.database.engine
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert scene.tell() == 0
    counted = [one for one in statements if not one.startswith("BEGIN")]
    assert len(counted) == 1, counted
    assert all(one.startswith("SELECT") for one in counted)


def test_who_lost_an_app_is_left_for_a_look_that_is_for_losses_too(scene: Told) -> None:
    runtime = scene.server.house.runtime
    scene.app.tokens(scene.client, scene.connection)
    narrow_the_app(scene)
    assert flow.take_due(runtime, 8, losses=False) == ()
    assert len(flow.take_due(runtime, 8)) == 1


def test_who_is_signed_out_is_found_by_every_look(scene: Told) -> None:
    scene.app.tokens(scene.client, scene.connection)
    sign_out(scene)
    assert len(flow.take_due(scene.server.house.runtime, 8, losses=False)) == 1


def swept(scene: Told) -> int:
    house = scene.server.house
    with house.runtime.database.transaction() as tx:
        return sweeping.sweep(tx, "app_sessions", house.clock(), 100)


def test_an_app_whose_device_somebody_let_in_is_told_when_the_session_ends(scene: Told) -> None:
    browsers = scene.other_app()
    apps.through_saml(browsers, scene.client, scene.connection)
    grants = frozenset({GrantType.DEVICE_CODE})
    scene.app.app = apps.change_app(scene.server.house, scene.app.app, grant_types=grants)
    begun = scene.app.post("device_authorization", scope="openid").json()
    scene.client.get("/e/dev/device")
    typed = {"user_code": begun["user_code"]}
    scene.client.post("/e/dev/device/answer", {**typed, "person": scene.grace.id, "agree": "1"})
    given = scene.app.token(grant_type=str(GrantType.DEVICE_CODE), device_code=begun["device_code"]).json()
    known = id_token_of(scene, given["id_token"])
    sign_out(scene)
    assert scene.tell() == 1
    told = verified(scene, scene.heard.tokens[0])
    assert (told["sub"], told["sid"]) == (known["sub"], known["sid"])
