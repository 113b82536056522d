"""Kill -9 of the server in the middle of two hundred sign-ins and admin writes, ten times over, on both databases."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from tests.faults.assault import Deed, Writer, assault, session_token
from tests.faults.ghosts import backends, wait_until_gone
from tests.faults.invariants import State, read_state, violations
from tests.support import sign_ins, traffic
from tests.support.house import Client, House, TestClock, furnish, make_runtime
from tests.support.served import Served
from tests.support.traffic import Prepared
from vestibule.directory.connections import Connection
from vestibule.directory.end_users import EndUser, EndUserStatus, search_terms
from vestibule.directory.sources import Source
from vestibule.flows import groups
from vestibule.kernel.ids import new_id
from vestibule.kernel.secrets import token_hash
from vestibule.storage import access, end_users
from vestibule.storage.database import Database

# After how many answered sign-ins the server dies, round by round: early, late, and between.
KILLS = (20, 131, 64, 97, 35, 149, 82, 48, 110, 73)
SIGN_INS = 200
WRITERS = 4
PEOPLE = 400
OWN_PEOPLE = 3


@dataclass(frozen=True)
class Scene:
    """A server, the house behind it, and an admin who is signed in. The house's own database is closed: `opened` opens it."""

    served: Served
    house: House
    connection: Connection
    people: Sequence[EndUser]
    group_id: str

    @property
    def strangers(self) -> frozenset[str]:
        """Return who was there before any admin."""
        return frozenset(one.id for one in self.people)


def test_a_killed_server_keeps_what_it_acknowledged_and_leaves_nothing_half_written(
    database_url: str, tmp_path: Path
) -> None:
    scene = _scene(Served(database_url, tmp_path))
    served = scene.served
    cut = 0
    try:
        served.start()
        cookies, page = _admin(served)
        for round_number, kill_after in enumerate(KILLS):
            prepared = _prepared(scene, round_number)
            writers = _writers(scene, cookies, page, round_number)
            answered = assault(served, prepared, writers, kill_after)
            ghosts = backends(database_url)
            served.start()
            wait_until_gone(database_url, ghosts)
            state = read_state(database_url)
            assert violations(state, scene.connection.idp.entity_id or "", scene.strangers) == []
            _require_kept(state, prepared, answered, [deed for writer in writers for deed in writer.deeds])
            _require_alive(served, answered, cookies)
            cut += _finish_the_rest(scene, state, prepared, answered)
        assert cut > len(KILLS), "hardly a sign-in was cut off: the server was not killed in the middle"
        state = read_state(database_url)
        assert violations(state, scene.connection.idp.entity_id or "", scene.strangers) == []
        assert len(state.rows["sessions"]) == len(KILLS) * SIGN_INS
        _require_healthy(served)
    finally:
        served.stop()


def _scene(served: Served) -> Scene:
    with _runtime(served) as house:
        connection = sign_ins.connect(house, domains=None)
        people = _add_people(house, PEOPLE + len(KILLS) * WRITERS * OWN_PEOPLE)
        group = groups.create_group(house.runtime, house.owner, "dev", "Designers")
        return Scene(served, house, connection, people, group.id)


@contextmanager
def _runtime(served: Served) -> Iterator[House]:
    clock = TestClock()
    runtime = make_runtime(served.database_url, clock, served.base_url)
    try:
        yield furnish(runtime, clock)
    finally:
        runtime.database.close()


def _add_people(house: House, number: int) -> list[EndUser]:
    now, dev = house.clock(), house.environments["dev"]
    people = [
        EndUser(
            id=new_id("end_user", now),
            workspace_id=house.workspace.id,
            email=f"person{one}@example.com",
            full_name=f"Person {one}",
            status=EndUserStatus.INVITED,
            source=Source.MANUAL,
            has_password=False,
            created_at=now,
            updated_at=now,
            last_sign_in_at=None,
        )
        for one in range(number)
    ]
    with house.runtime.database.transaction() as tx:
        for person in people:
            end_users.insert_end_user(tx, person, None, search_terms(person.full_name, person.email))
            access.grant_access(tx, person.workspace_id, dev.id, person.id, source=Source.MANUAL, now=now)
    return people


def _admin(served: Served) -> tuple[dict[str, str], str]:
    """Sign an admin in; return the cookies and a page with a token for forms. Both outlive the server."""
    with httpx.Client(base_url=served.base_url, timeout=60, trust_env=False) as http:
        client = Client(http, served.base_url)
        client.sign_in()
        return dict(http.cookies), client.last_page


def _prepared(scene: Scene, round_number: int) -> list[Prepared]:
    """Store this round's requests. The database is closed again before the kill, so that the new server has to mend it alone."""
    emails = [scene.people[(round_number * 50 + one) % PEOPLE].email for one in range(SIGN_INS)]
    database = Database(scene.served.database_url, pool_size=1)
    try:
        house = replace(scene.house, runtime=replace(scene.house.runtime, database=database))
        return traffic.prepare(house, scene.served.base_url, scene.connection, emails)
    finally:
        database.close()


def _writers(scene: Scene, cookies: dict[str, str], page: str, round_number: int) -> list[Writer]:
    environment_ids = [scene.house.environments[key].id for key in ("dev", "test")]
    writers = []
    for number in range(WRITERS):
        first = PEOPLE + (round_number * WRITERS + number) * OWN_PEOPLE
        writers.append(
            Writer(
                scene.served.base_url,
                cookies,
                page,
                f"Round {round_number} Admin {number} Entry",
                scene.people[first : first + OWN_PEOPLE],
                environment_ids,
                scene.group_id,
            )
        )
    return writers


def _require_kept(
    state: State, prepared: Sequence[Prepared], answered: dict[int, bytes], deeds: Sequence[Deed]
) -> None:
    """Whoever was told that it is done finds it done."""
    sessions = {one.session_index: one.token_hash for one in state.rows["sessions"]}
    for index, head in answered.items():
        assert sessions.get(prepared[index].request_id) == token_hash(session_token(head)), "a sign-in was lost"
    acknowledged = [deed for deed in deeds if deed.acknowledged]
    assert {deed.kind for deed in acknowledged} >= {"add"}
    emails = {one.email for one in state.rows["end_users"]}
    names = {one.name for one in state.rows["groups"]}
    members = {one.end_user_id for one in state.rows["group_members"]}
    current = {one.id: one.full_name for one in state.rows["end_users"]}
    known = {"add": emails, "group": names, "join": members}
    for deed in acknowledged:
        if deed.kind == "rename":
            assert current[deed.what] in _names_from(deeds, deed), f"an acknowledged write was lost: {deed}"
        else:
            assert deed.what in known[deed.kind], f"an acknowledged write was lost: {deed}"


def _names_from(deeds: Sequence[Deed], first: Deed) -> set[object]:
    """Return the name that a deed gave, and those of the same admin's later ones, acknowledged or not."""
    same = [one for one in deeds if one.kind == first.kind and one.what == first.what]
    return {one.fields["name"] for one in same[same.index(first) :]}


def _require_alive(served: Served, answered: dict[int, bytes], cookies: dict[str, str]) -> None:
    """Sessions of before the kill still count: an end user's, and the admin's."""
    token = session_token(next(iter(answered.values())))
    with httpx.Client(base_url=served.base_url, timeout=60, trust_env=False) as http:
        assert http.get("/e/dev/", headers={"Cookie": f"vestibule_env_dev={token}"}).status_code == 200
        written = "; ".join(f"{name}={value}" for name, value in cookies.items())
        assert http.get("/admin/end-users", headers={"Cookie": written}).status_code == 200


def _finish_the_rest(scene: Scene, state: State, prepared: Sequence[Prepared], answered: dict[int, bytes]) -> int:
    """Send again what was not answered: it works where nothing was written, and is refused as used where all was. Return how many."""
    done = {one.session_index for one in state.rows["sessions"]}
    rest = [one for index, one in enumerate(prepared) if index not in answered]
    outcomes: dict[int, int] = {}
    traffic.post_all(
        scene.served.port, [one.message for one in rest], 4, lambda index, status, _: outcomes.update({index: status})
    )
    for index, one in enumerate(rest):
        assert outcomes[index] == (403 if one.request_id in done else 303), (one.request_id, outcomes[index])
    return len(rest)


def _require_healthy(served: Served) -> None:
    command = [sys.executable, "-c", "from vestibule.cli.main import main; main()", "doctor", "--json"]
    found = subprocess.run(
        command, env=served.environment(), cwd=served.folder, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert json.loads(found.stdout)["ok"] is True
