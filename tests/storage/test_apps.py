"""Apps in the database, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.apps import make_app
from tests.support.house import House
from tests.support.people import add_person, group_of
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
from vestibule.kernel.errors import AlreadyTaken
from vestibule.kernel.ids import new_id
from vestibule.storage import apps, groups
from vestibule.storage.standings import find_standing

SETTINGS = OidcSettings(
    redirect_uris=("https://grafana.example/login/generic_oauth",),
    post_logout_redirect_uris=("https://grafana.example/",),
    authentication=ClientAuthentication.PRIVATE_KEY_JWT,
    grant_types=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE}),
    id_token_alg=SigningAlgorithm.EDDSA,
    groups_claim=GroupsClaim.IDS,
    all_groups=True,
    sector="grafana.example",
    jwks='{"keys": []}',
    backchannel_logout_uri="https://grafana.example/logout",
    require_pushed_requests=True,
    access_token_ttl=timedelta(minutes=5),
    refresh_token_ttl=timedelta(days=1),
)


def app_of(house: House, name: str = "Grafana", key: str = "dev", **changes: Any) -> App:
    return make_app(house, name, key, **{"oidc": SETTINGS, **changes})


def usable(house: House, end_user_id: str) -> list[str]:
    with house.runtime.database.reading() as tx:
        found = apps.list_usable_apps(tx, house.workspace.id, house.environments["dev"].id, end_user_id)
    return [one.name for one in found]


def test_an_app_comes_back_as_it_was_saved_and_as_it_was_changed(house: House) -> None:
    house.clock.freeze()
    group = group_of(house)
    made = app_of(house, everyone=False, group_ids=frozenset({group.id}))
    with house.runtime.database.reading() as tx:
        assert apps.find_app(tx, made.workspace_id, made.id) == made
        assert apps.find_app_of(tx, made.environment_id, made.id) == made
        assert apps.find_app_of(tx, house.environments["prod"].id, made.id) is None
    changed = replace(made, kind=AppKind.OIDC, name="Grafana 2", everyone=True, group_ids=frozenset(), disabled=True)
    with house.runtime.database.transaction() as tx:
        apps.update_app(tx, changed)
        assert apps.list_apps(tx, made.workspace_id, made.environment_id) == (changed,)


def test_two_apps_of_one_environment_have_neither_name_nor_host_in_common(house: House) -> None:
    app_of(house, "Wiki", kind=AppKind.FORWARD_AUTH, hosts=("wiki.example",), oidc=None)
    with pytest.raises(AlreadyTaken):
        app_of(house, "WIKI")
    with pytest.raises(AlreadyTaken):
        app_of(house, "Docs", kind=AppKind.FORWARD_AUTH, hosts=("docs.example", "wiki.example"), oidc=None)
    app_of(house, "Wiki", "prod", kind=AppKind.FORWARD_AUTH, hosts=("wiki.example",), oidc=None)


def test_an_app_is_found_by_its_host_within_its_environment_only(house: House) -> None:
    house.clock.freeze()
    wiki = app_of(house, "Wiki", kind=AppKind.FORWARD_AUTH, hosts=("w.example", "wiki.example"), oidc=None)
    with house.runtime.database.reading() as tx:
        assert apps.find_app_at(tx, wiki.environment_id, "wiki.example") == wiki
        assert apps.find_app_at(tx, wiki.environment_id, "other.example") is None
        assert apps.find_app_at(tx, house.environments["prod"].id, "wiki.example") is None


def test_a_group_of_another_environment_narrows_nothing(house: House) -> None:
    foreign = group_of(house, "prod")
    with pytest.raises(AlreadyTaken):
        app_of(house, everyone=False, group_ids=frozenset({foreign.id}))


def test_people_see_the_apps_of_their_groups_and_those_of_everyone(house: House) -> None:
    ops, hr = group_of(house, name="Ops"), group_of(house, name="HR")
    ada = add_person(house, "Ada", "ada@example.com", "dev", group=ops)
    app_of(house, "Everybody’s")
    app_of(house, "Off", disabled=True)
    app_of(house, "Ops only", everyone=False, group_ids=frozenset({ops.id, hr.id}))
    app_of(house, "HR only", everyone=False, group_ids=frozenset({hr.id}))
    app_of(house, "Nobody’s", everyone=False)
    app_of(house, "Elsewhere", "prod")
    assert usable(house, ada.id) == ["Everybody’s", "Ops only"]


def test_an_app_whose_last_group_is_deleted_is_nobodys(house: House) -> None:
    ops = group_of(house, name="Ops")
    ada = add_person(house, "Ada", "ada@example.com", "dev", group=ops)
    app_of(house, "Ops only", everyone=False, group_ids=frozenset({ops.id}))
    with house.runtime.database.transaction() as tx:
        groups.delete_group(tx, house.workspace.id, ops.id)
    assert usable(house, ada.id) == []


def test_secrets_end_with_an_overlap(house: House) -> None:
    house.clock.freeze()
    app, now = app_of(house), house.clock()
    made = [
        AppSecret(new_id("app_secret", now), app.id, "abcd", now, None, None, digest) for digest in ("1" * 64, "2" * 64)
    ]
    with house.runtime.database.transaction() as tx:
        for secret in made:
            apps.insert_secret(tx, house.workspace.id, secret)
        apps.end_secrets(tx, app.id, now + timedelta(days=1), but=made[1].id)
        apps.note_secret_used(tx, made[1].id, now)
        assert {one.id: one.expires_at for one in apps.list_secrets(tx, app.id, now)} == {
            made[0].id: now + timedelta(days=1),
            made[1].id: None,
        }
        last_used = [one.last_used_at for one in apps.list_secrets(tx, app.id, now + timedelta(days=1))]
        assert last_used == [now]
        assert apps.delete_secret(tx, app.id, made[0].id)
        assert not apps.delete_secret(tx, "app_other", made[1].id)


def test_a_standing_says_access_and_groups(house: House) -> None:
    ops = group_of(house, name="Ops")
    ada = add_person(house, "Ada", "ada@example.com", "dev", group=ops)
    with house.runtime.database.reading() as tx:
        here = find_standing(tx, house.environments["dev"], ada.id)
        there = find_standing(tx, house.environments["prod"], ada.id)
        nobody = find_standing(tx, house.environments["dev"], "usr_nobody")
    assert here is not None
    assert (here.has_access, here.group_ids) == (True, frozenset({ops.id}))
    assert there is not None
    assert (there.has_access, there.group_ids) == (False, frozenset())
    assert nobody is None
