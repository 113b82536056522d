"""The rules of `invariants` see what they are for: each half-written state is named."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.invariants import read_state, violations
from tests.support import sign_ins
from tests.support.databases import Databases
from tests.support.house import House, TestClock, serving
from vestibule.directory.end_users import AccessDraft, EndUserDraft
from vestibule.flows import end_users, groups

HALVES = {
    "a session without its access": ("DELETE FROM environment_access", "without access"),
    "a session without its used request": ("UPDATE saml_requests SET used_at = NULL", "without a used request"),
    "a session without its request": ("DELETE FROM saml_requests", "without a used request"),
    "a session without its link": ("UPDATE sessions SET link_id = NULL", "without its person's link"),
    "a sign-in without its session": ("DELETE FROM sessions", "sign-ins recorded"),
    "a used request without its session": ("DELETE FROM sessions", "has 0 sessions"),
    "a sign-in that the account does not know": ("UPDATE end_users SET last_sign_in_at = NULL", "does not say so"),
    "a used assertion that was forgotten": ("DELETE FROM saml_assertions", "is not remembered"),
    "an assertion used for nothing": ("UPDATE saml_assertions SET assertion_key = 'x'", "without its sign-in"),
    "a linking without its link": ("DELETE FROM identity_links", "linkings recorded"),
    "an environment without Everyone": ("DELETE FROM groups WHERE built_in", "groups Everyone"),
    "a person who is not found": ("DELETE FROM end_user_terms WHERE term LIKE 'g%'", "is found under"),
    "a person who is sorted wrongly": ("UPDATE environment_access SET name_key = 'x'", "is sorted as"),
    "a person without a group": ("DELETE FROM group_members", "is in 0 groups"),
    "a person without the link to hand over": ("DELETE FROM one_time_links", "by halves"),
    "a person without access to one environment": (
        "DELETE FROM environment_access WHERE environment_id IN (SELECT id FROM environments WHERE key = 'test')",
        "by halves",
    ),
    "a person whom nobody added": (
        "UPDATE end_users SET id = 'usr_x' WHERE email LIKE 'new%'",
        "never recorded as added",
    ),
    "an added person who is not there": ("DELETE FROM end_users WHERE email LIKE 'new%'", "is not there"),
    "a group that nobody created": ("UPDATE groups SET id = 'grp_x' WHERE NOT built_in", "never recorded"),
    "a created group that is not there": ("DELETE FROM groups WHERE NOT built_in", "recorded and is not there"),
    "a row whose parent is gone": ("DELETE FROM workspaces", "foreign_key_check"),
    "a member whose group is gone": ("DELETE FROM groups WHERE NOT built_in", "group_members without groups"),
}


@dataclass(frozen=True)
class Scene:
    """A whole database in one file, and who was there before any admin."""

    path: Path
    strangers: frozenset[str]

    def violations(self) -> list[str]:
        return violations(read_state(f"sqlite:///{self.path}"), sign_ins.IDP_ENTITY_ID, self.strangers)


@pytest.fixture(scope="module")
def whole(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    with databases.migrated("sqlite", tmp_path_factory.mktemp("whole")) as url:
        with serving(url, TestClock()) as server:
            connection = sign_ins.connect(server.house)
            stranger = sign_ins.add_person(server.house)
            client = server.client()
            started = sign_ins.start(client)
            request_id = started.request_id
            data = sign_ins.answer(
                server, connection, request_id, session_index=request_id, assertion_id=f"_a{request_id}"
            )
            assert sign_ins.post(client, connection, data, started.relay_state).status_code == 303
            _add(server.house)
        return Scene(Path(url.removeprefix("sqlite:///")), frozenset({stranger.id}))


@pytest.fixture
def scene(whole: Scene, tmp_path: Path) -> Scene:
    return Scene(shutil.copyfile(whole.path, tmp_path / "copy.db"), whole.strangers)


def _add(house: House) -> None:
    group = groups.create_group(house.runtime, house.owner, "dev", "Designers")
    drafts = (
        AccessDraft(house.environments["dev"].id, group_ids=(group.id,)),
        AccessDraft(house.environments["test"].id),
    )
    end_users.add_end_user(house.runtime, house.owner, EndUserDraft("New Person", "new@example.com", drafts))


def test_a_whole_database_has_no_violation(scene: Scene) -> None:
    assert scene.violations() == []


@pytest.mark.parametrize(("statement", "named"), HALVES.values(), ids=HALVES)
def test_a_half_written_state_is_named(statement: str, named: str, scene: Scene) -> None:
    broken = sqlite3.connect(scene.path, isolation_level=None)  # by itself SQLite looks at no foreign key
    broken.execute(statement)
    broken.close()
    found = scene.violations()
    assert any(named in violation for violation in found), found
