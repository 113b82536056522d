"""Receipts: what taking access away ends, at once and for good, and what the person's page says of it. On both engines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest
from sqlalchemy import select

from tests.support import apps, forward_auth
from tests.support.directories import Directory, directory, pushing
from tests.support.hearing import Hearing, hearing
from tests.support.house import Client, House, Server
from tests.support.oidc_scene import Told, told_scene
from tests.support.people import group_of, sign_in
from vestibule.directory.app_drafts import draft_of
from vestibule.directory.app_sessions import BACKOFF, KEPT_FOR
from vestibule.directory.end_users import AccessChange, EndUser
from vestibule.directory.forward_auth import ForwardAuthSession
from vestibule.directory.groups import Group
from vestibule.directory.receipts import Ended, GrantsEnded, Receipt
from vestibule.directory.sources import Source
from vestibule.flows import apps as apps_flow
from vestibule.flows import connections, end_user, group_members, groups
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.storage import access, end_users, receipts, sweeping
from vestibule.storage import forward_auth as stored_forward_auth
from vestibule.storage.tables import scim_events

OFFLINE = "openid offline_access"


@pytest.fixture
def heard() -> Iterator[Hearing]:
    with hearing() as running:
        yield running


@pytest.fixture
def scene(server: Server, heard: Hearing) -> Told:
    return told_scene(server, heard)


def receipts_of(house: House, person: EndUser) -> tuple[Receipt, ...]:
    with house.runtime.database.reading() as tx:
        return receipts.list_receipts(tx, house.workspace.id, person.id, 10)


def page_of(admin_client: Client, person: EndUser) -> str:
    """Return the text of the receipts on a person's page, without its markup and what only narrow screens show."""
    text = admin_client.get(f"/admin/end-users/{person.id}").text
    found = re.search(r'<section[^>]*aria-labelledby="receipt">(.*?)</section>', text, re.DOTALL)
    shown = re.sub(r'<span class="v-sub v-only-narrow">.*?</th>', "", found.group(1)) if found else ""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", shown)).split())


def person_of(house: House, email: str) -> EndUser:
    with house.runtime.database.reading() as tx:
        found = end_users.find_by_email(tx, house.workspace.id, email)
    assert found is not None
    return found


def enter_host(house: House, person: EndUser, key: str) -> None:
    """Begin a browser session of a person, and one at the host of the wiki that rests on it."""
    place = house.environments[key]
    session_id = sign_in(house, person, key)
    there = ForwardAuthSession(house.workspace.id, place.id, session_id, forward_auth.HOST)
    with house.runtime.database.transaction() as tx:
        stored_forward_auth.insert_session(tx, there, token_hash(new_token()), house.clock())


def allow_only(scene: Told, *allowed: Group) -> None:
    """Narrow the app to groups, and put the person into them."""
    house = scene.server.house
    with house.runtime.database.transaction() as tx:
        for group in allowed:
            access.add_member(tx, house.workspace.id, group.id, scene.grace.id, source=Source.MANUAL, now=house.clock())
    scene.app.app = apps.change_app(
        house, scene.app.app, everyone=False, group_ids=frozenset(group.id for group in allowed)
    )


def works(scene: Told, tokens: dict[str, str]) -> bool:
    """Say whether a refresh token is good for new tokens."""
    answer = scene.app.refresh(tokens["refresh_token"])
    if answer.status_code == 200:
        tokens.update(answer.json())
        return True
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    return False


def test_deactivation_ends_sessions_and_grants_and_the_page_shows_each_with_its_time(
    scene: Told, admin_client: Client
) -> None:
    house = scene.server.house
    scene.app.tokens(scene.client, scene.connection)
    silent = scene.other_app("GitLab")
    code = apps.answer_in(silent.authorize(scene.client, scope=OFFLINE)).code
    assert silent.exchange(code).status_code == 200
    assert page_of(admin_client, scene.grace) == ""
    end_user.deactivate(house.runtime, house.owner, scene.grace.id)
    (receipt,) = receipts_of(house, scene.grace)
    assert receipt.ended == Ended(
        1,
        0,
        tuple(
            sorted((GrantsEnded(scene.app.app.id, 1, 0), GrantsEnded(silent.app.id, 1, 1)), key=lambda one: one.app_id)
        ),
    )
    (entry,) = scene.recorded("end_user.deactivated")
    assert (receipt.entry_id, receipt.at) == (entry.id, entry.at)
    assert entry.event.details == {"sessions_ended": 1, "grants_ended": 2}
    waiting = page_of(admin_client, scene.grace)
    assert f"Ada Park deactivated {scene.grace.full_name}" in waiting
    assert "Not complete" in waiting
    assert "Grafana told that the session ended Not yet Being told" in waiting
    house.clock.advance(seconds=0.4)
    assert scene.tell() == 1
    said = page_of(admin_client, scene.grace)
    assert "Complete: the last effect came 0.4 s later" in said
    assert "Browser sessions" in said
    assert "1 ended" in said
    assert "Refresh tokens of Grafana" in said
    assert "1 grant ended, 1 for offline access" in said
    assert "Grafana told that the session ended 0.4 s later Told 1 try" in said
    assert "GitLab Not told: it has no address for back-channel logout" in said


def test_an_app_that_does_not_hear_keeps_the_receipt_open_with_its_tries_and_what_went_wrong(
    scene: Told, admin_client: Client
) -> None:
    house = scene.server.house
    scene.app.tokens(scene.client, scene.connection)
    scene.heard.status = 503
    end_user.deactivate(house.runtime, house.owner, scene.grace.id)
    for wait in BACKOFF[:2]:
        assert scene.tell() == 1
        house.clock.advance(seconds=wait.total_seconds())
    said = page_of(admin_client, scene.grace)
    assert "Not complete" in said
    assert "Not yet Being told 2 tries · the app answered with status 503" in said
    for wait in BACKOFF[2:]:
        scene.tell()
        house.clock.advance(seconds=wait.total_seconds())
    scene.tell()
    admin_client.sign_in()
    assert "Never Could not be told 9 tries" in page_of(admin_client, scene.grace)


def test_reactivation_revives_no_grant_that_was_made_for_offline_access(scene: Told) -> None:
    house = scene.server.house
    tokens = scene.app.tokens(scene.client, scene.connection, scope=OFFLINE)
    assert works(scene, tokens)
    end_user.deactivate(house.runtime, house.owner, scene.grace.id)
    assert scene.app.user_info(tokens["access_token"]).status_code == 401
    end_user.reactivate(house.runtime, house.owner, scene.grace.id)
    assert not works(scene, tokens)
    assert scene.app.user_info(tokens["access_token"]).status_code == 401


def test_access_that_goes_takes_along_what_rested_on_it_and_leaves_other_environments_alone(scene: Told) -> None:
    house = scene.server.house
    dev, test = house.environments["dev"], house.environments["test"]
    tokens = scene.app.tokens(scene.client, scene.connection, scope=OFFLINE)
    with house.runtime.database.transaction() as tx:
        access.grant_access(tx, house.workspace.id, test.id, scene.grace.id, source=Source.MANUAL, now=house.clock())
    elsewhere = sign_in(house, scene.grace, "test")
    change = AccessChange(frozenset({dev.id}), frozenset(), frozenset(), frozenset())
    end_user.change_access(house.runtime, house.owner, scene.grace.id, change)
    (receipt,) = receipts_of(house, scene.grace)
    assert receipt.ended == Ended(1, 0, (GrantsEnded(scene.app.app.id, 1, 1),))
    assert not works(scene, tokens)
    live = end_user.look_at_end_user(house.runtime, house.owner, scene.grace.id).sessions
    assert [one.id for one in live] == [elsewhere]
    assert scene.tell() == 1


@pytest.mark.parametrize(
    ("after", "said"), [(1.5, "the last effect came 1.5 s later"), (0.02, "everything ended with the act itself")]
)
def test_leaving_the_group_that_allowed_an_app_ends_what_that_app_holds_and_nothing_else(
    scene: Told, admin_client: Client, after: float, said: str
) -> None:
    house = scene.server.house
    ops = group_of(house, name="Ops")
    allow_only(scene, ops)
    tokens = scene.app.tokens(scene.client, scene.connection, scope=OFFLINE)
    other = scene.other_app("GitLab")
    kept = other.exchange(apps.answer_in(other.authorize(scene.client, scope=OFFLINE)).code).json()
    group_members.remove_member(house.runtime, house.owner, "dev", ops.id, scene.grace.id)
    (receipt,) = receipts_of(house, scene.grace)
    assert receipt.ended == Ended(0, 0, (GrantsEnded(scene.app.app.id, 1, 1),))
    assert not works(scene, tokens)
    assert other.refresh(kept["refresh_token"]).status_code == 200
    house.clock.advance(seconds=after)
    assert scene.tell() == 1
    assert "took Grace" in page_of(admin_client, scene.grace)
    assert "Browser sessions" not in page_of(admin_client, scene.grace), "they go on"
    assert f"Complete: {said}" in page_of(admin_client, scene.grace)


def test_another_group_that_allows_the_app_keeps_everything_and_no_receipt_is_written(scene: Told) -> None:
    house = scene.server.house
    ops, night = group_of(house, name="Ops"), group_of(house, name="Night shift")
    allow_only(scene, ops, night)
    tokens = scene.app.tokens(scene.client, scene.connection, scope=OFFLINE)
    change = AccessChange(
        frozenset({house.environments["dev"].id}),
        frozenset({house.environments["dev"].id}),
        frozenset({ops.id}),
        frozenset(),
    )
    end_user.change_access(house.runtime, house.owner, scene.grace.id, change)
    assert (works(scene, tokens), receipts_of(house, scene.grace), scene.tell()) == (True, (), 0)
    groups.delete_group(house.runtime, house.owner, "dev", night.id)
    assert not works(scene, tokens)
    assert [one.ended.number_of_grants for one in receipts_of(house, scene.grace)] == [1]


def test_whoever_may_use_an_app_again_signs_in_anew_and_finds_no_old_grant(scene: Told) -> None:
    house = scene.server.house
    ops = group_of(house, name="Ops")
    allow_only(scene, ops)
    tokens = scene.app.tokens(scene.client, scene.connection, scope=OFFLINE)
    group_members.remove_member(house.runtime, house.owner, "dev", ops.id, scene.grace.id)
    allow_only(scene, ops)
    assert not works(scene, tokens)
    assert scene.app.exchange(apps.answer_in(scene.app.authorize(scene.client)).code).status_code == 200


def test_narrowing_an_app_ends_what_it_holds_of_those_who_are_left_out(scene: Told) -> None:
    house = scene.server.house
    ops = group_of(house, name="Ops")
    tokens = scene.app.tokens(scene.client, scene.connection, scope=OFFLINE)
    draft = replace(draft_of(scene.app.app), everyone=False, group_ids=frozenset({ops.id}))
    apps_flow.change_app(house.runtime, house.owner, scene.app.app.id, draft)
    assert not works(scene, tokens)
    (entry,) = scene.recorded("app.changed")
    assert [one.entry_id for one in receipts_of(house, scene.grace)] == [entry.id]


def test_receipts_are_kept_for_ninety_days_and_go_with_the_person(scene: Told) -> None:
    house = scene.server.house
    for act in (end_user.deactivate, end_user.reactivate, end_user.deactivate):
        act(house.runtime, house.owner, scene.grace.id)
        house.clock.advance(seconds=1)
    assert len(receipts_of(house, scene.grace)) == 2
    house.clock.advance(seconds=KEPT_FOR.total_seconds() - 2)
    with house.runtime.database.transaction() as tx:
        assert sweeping.sweep(tx, "receipts", house.clock(), 100) == 1
    assert len(receipts_of(house, scene.grace)) == 1
    end_user.delete(house.runtime, house.owner, scene.grace.id)
    assert receipts_of(house, scene.grace) == ()


def test_disabling_an_app_ends_what_it_holds_of_everybody(scene: Told, admin_client: Client) -> None:
    house = scene.server.house
    tokens = scene.app.tokens(scene.client, scene.connection, scope=OFFLINE)
    apps_flow.set_disabled(house.runtime, house.owner, scene.app.app.id, disabled=True)
    assert scene.tell() == 1
    assert "disabled the app Grafana" in page_of(admin_client, scene.grace)
    apps_flow.set_disabled(house.runtime, house.owner, scene.app.app.id, disabled=False)
    assert not works(scene, tokens)


def test_a_forward_auth_session_at_the_host_of_a_lost_app_ends_and_a_remembered_yes_with_it(
    server: Server, admin_client: Client
) -> None:
    house = server.house
    ops = group_of(house, name="Ops")
    forward_auth.wiki(house, groups=(ops,))
    person = forward_auth.grace(house, ops)
    there = forward_auth.signed_in(server)
    assert there.ask().status_code == 200
    group_members.remove_member(house.runtime, house.owner, "dev", ops.id, person.id)
    (receipt,) = receipts_of(house, person)
    assert receipt.ended == Ended(0, 1, ())
    forward_auth.eventually(there, 302)
    said = page_of(admin_client, person)
    assert "Forward-auth answers 0.5 s later at the latest" in said
    assert "1 session at an app’s host ended" in said


class TestADirectory:
    """The same by SCIM: a push that takes access away is an act as an admin's click is."""

    @pytest.fixture
    def okta(self, server: Server) -> Directory:
        return directory(server, pushing(server.house, "test"))

    def test_that_makes_somebody_inactive_ends_everything_in_its_environment(
        self, okta: Directory, server: Server, admin_client: Client
    ) -> None:
        made = okta.create("mira@example.com", externalId="m1")
        person = person_of(server.house, "mira@example.com")
        sign_in(server.house, person, "test")
        sent = okta.patch(f"/Users/{made['id']}", {"op": "replace", "path": "active", "value": False})
        assert sent.status_code == 200
        (receipt,) = receipts_of(server.house, person)
        assert receipt.ended == Ended(1, 0, ())
        said = page_of(admin_client, person)
        assert "Okta Dev took access away from" in said
        assert "Complete: everything ended with the act itself" in said

    def test_that_takes_somebody_out_of_a_group_ends_what_the_apps_of_the_group_hold_of_them_alone(
        self, okta: Directory, server: Server
    ) -> None:
        mira, noor = okta.create("mira@example.com"), okta.create("noor@example.com")
        group = okta.create_group("Ops", mira["id"], noor["id"])
        house = server.house
        (ops,) = (one for one in groups.list_groups(house.runtime, house.owner, "test").groups if one.name == "Ops")
        forward_auth.wiki(house, key="test", groups=(ops,))
        people = [person_of(house, f"{name}@example.com") for name in ("mira", "noor")]
        for person in people:
            enter_host(house, person, "test")
        path = f'members[value eq "{mira["id"]}"]'
        assert okta.patch(f"/Groups/{group['id']}", {"op": "remove", "path": path}).status_code in {200, 204}
        assert [one.ended for one in receipts_of(house, people[0])] == [Ended(0, 1, ())]
        assert receipts_of(house, people[1]) == ()
        assert okta.send("DELETE", f"/Groups/{group['id']}").status_code == 204
        assert [one.ended for one in receipts_of(house, people[1])] == [Ended(0, 1, ())]

    def adopted(self, scene: Told) -> tuple[Directory, str]:
        """Let a directory have Grace, lose her, and have her again while she has access that an admin gave by hand."""
        house = scene.server.house
        connections.choose_provisioning(house.runtime, house.owner, scene.connection.id, "scim")
        okta = directory(scene.server, scene.connection)
        made = okta.create(scene.grace.email)
        self.turn(okta, made["id"], active=False)
        with house.runtime.database.transaction() as tx:
            dev = house.environments["dev"]
            access.grant_access(tx, house.workspace.id, dev.id, scene.grace.id, source=Source.MANUAL, now=house.clock())
        self.turn(okta, made["id"], active=True)
        return okta, made["id"]

    def turn(self, okta: Directory, scim_id: str, *, active: bool) -> None:
        sent = okta.patch(f"/Users/{scim_id}", {"op": "replace", "path": "active", "value": active})
        assert sent.status_code == 200, sent.text

    @pytest.mark.parametrize("by_delete", [False, True])
    def test_that_lets_go_of_somebody_who_keeps_access_leaves_a_receipt_of_what_came_through_it(
        self, scene: Told, admin_client: Client, by_delete: bool
    ) -> None:
        house = scene.server.house
        okta, scim_id = self.adopted(scene)
        okta.create_group("Ops", scim_id)
        (ops,) = (one for one in groups.list_groups(house.runtime, house.owner, "dev").groups if one.name == "Ops")
        tokens = scene.app.tokens(scene.client, scene.connection)
        through_ops = scene.other_app("GitLab")
        lost = through_ops.exchange(apps.answer_in(through_ops.authorize(scene.client, scope=OFFLINE)).code).json()
        apps.change_app(house, through_ops.app, everyone=False, group_ids=frozenset({ops.id}))
        elsewhere = scene.other_app("Wekan")
        kept = elsewhere.exchange(apps.answer_in(elsewhere.authorize(scene.client, scope=OFFLINE)).code).json()
        sign_in(house, scene.grace, "dev")
        house.clock.advance(seconds=1)
        if by_delete:
            assert okta.send("DELETE", f"/Users/{scim_id}").status_code == 204
        else:
            self.turn(okta, scim_id, active=False)
        (entry,) = scene.recorded("end_user.let_go")
        assert entry.event.details == {"source": "scim", "sessions_ended": 1, "groups_left": 1}
        receipt = receipts_of(house, scene.grace)[0]
        ended = (GrantsEnded(scene.app.app.id, 1, 0), GrantsEnded(through_ops.app.id, 1, 1))
        assert (receipt.entry_id, receipt.at) == (entry.id, entry.at)
        assert receipt.ended == Ended(1, 0, tuple(sorted(ended, key=lambda one: one.app_id)))
        assert not works(scene, tokens)
        assert through_ops.refresh(lost["refresh_token"]).json()["error"] == "invalid_grant"
        assert elsewhere.refresh(kept["refresh_token"]).status_code == 200, "it rests on the access, which she keeps"
        assert self.open_sessions(house, scene.grace) == 1, "the password's goes on"
        assert scene.tell() == 1
        said = page_of(admin_client, scene.grace)
        # The name is the directory's since it adopted her.
        assert "Okta Dev let go of Grace Park, who keeps the access that was given otherwise" in said
        assert "Browser sessions At once, on every node 1 ended" in said
        assert "Grafana told that the session ended At once Told 1 try" in said

    def test_that_lets_go_of_somebody_of_whom_nothing_is_open_says_so_in_the_activity_and_writes_no_receipt(
        self, scene: Told
    ) -> None:
        okta, scim_id = self.adopted(scene)
        before = len(receipts_of(scene.server.house, scene.grace))
        sign_in(scene.server.house, scene.grace, "dev")
        self.turn(okta, scim_id, active=False)
        assert okta.send("DELETE", f"/Users/{scim_id}").status_code == 204
        (entry,) = scene.recorded("end_user.let_go")
        assert entry.event.details == {"source": "scim", "sessions_ended": 0, "groups_left": 0}
        assert len(receipts_of(scene.server.house, scene.grace)) == before
        assert self.said_to_keep(scene.server.house)
        assert self.open_sessions(scene.server.house, scene.grace) == 1

    def test_that_deletes_whom_it_made_inactive_before_lets_go_of_nobody_who_keeps_anything(self, scene: Told) -> None:
        house = scene.server.house
        connections.choose_provisioning(house.runtime, house.owner, scene.connection.id, "scim")
        okta = directory(scene.server, scene.connection)
        made = okta.create(scene.grace.email)
        self.turn(okta, made["id"], active=False)
        assert okta.send("DELETE", f"/Users/{made['id']}").status_code == 204
        assert scene.recorded("end_user.let_go") == ()
        assert len(scene.recorded("end_user.access_removed")) == 1
        assert not self.said_to_keep(house), "there was none left to keep"

    def said_to_keep(self, house: House) -> bool:
        with house.runtime.database.reading() as tx:
            return any("keeps the access" in str(one) for one in tx.execute(select(scim_events)))

    def open_sessions(self, house: House, person: EndUser) -> int:
        with house.runtime.database.reading() as tx:
            return receipts.count_open(tx, person.id, house.clock()).sessions
