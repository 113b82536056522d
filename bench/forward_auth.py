"""Forward-auth: what an answer costs one worker, beside a bare route; and how soon a deactivation reaches two of them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx

from bench import logout
from bench.client import Posted, post
from bench.ground import Engine, Ground, cores
from bench.processes import usage
from bench.sign_ins import CLIENTS, Rate, rate_of
from bench.tables import Plan, Target, at_least, console, table
from tests.support import sign_ins
from tests.support.forward_auth import HOST, wiki
from tests.support.house import House, TestClock, furnish, make_runtime
from tests.support.people import group_of, sign_in
from tests.support.served import Served, settled_port
from tests.support.tools import ROOT
from vestibule.directory.end_users import EndUser, EndUserStatus
from vestibule.directory.forward_auth import ForwardAuthSession
from vestibule.directory.sources import Source
from vestibule.flows import end_user
from vestibule.kernel.secrets import new_token, token_hash
from vestibule.storage import access, forward_auth
from vestibule.storage.groups import list_groups

LEAST_RATIO: Final = 0.5
MOST_SECONDS: Final = 1.0
PEOPLE: Final = 20
ROUNDS: Final = 10
# What a browser sends along, and nginx's recipe passes on.
_MESSAGE: Final = (
    "GET /e/dev/verify HTTP/1.1\r\nHost: vestibule.example.com\r\nConnection: keep-alive\r\n"
    "Cookie: theme=dark; vestibule_app_dev={token}; session=4f9f1c1c2f6d4a4c8d1b8f5a6e7d8c9b\r\n"
    "X-Original-URL: http://" + HOST + "/api/pages/{number}?tab=history\r\nX-Original-Method: GET\r\n"
    "X-Forwarded-For: 192.0.2.7\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Signed:
    """Somebody who is signed in at the app's host."""

    person: EndUser
    token: str


def measure(ground: Ground, engine: Engine, number: int) -> Rate:
    """Return the rate of answers for people who open one page after the other, from memory and from the database by turns."""
    with ground.database(engine, "memory") as url:
        served = Served(url, ground.folder)
        with _house(url, served.base_url) as house:
            signed = [_signed(house, one) for one in range(PEOPLE)]
            messages = _messages(signed, number)
            try:
                served.start(cores().server)
                return _measured(served, messages, ground, "200")
            finally:
                served.stop()


def measure_floor(ground: Ground, number: int) -> Rate:
    """Return the rate of the same requests at a route that says yes to everybody."""
    port = settled_port()
    command = [sys.executable, "-m", "uvicorn", "bench.bare_answer:app", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen([*command, "--no-access-log"], cwd=ROOT)
    served = Served("", ground.folder, port, process)
    signed = [new_token() for _ in range(PEOPLE)]
    messages = [_MESSAGE.format(token=signed[one % PEOPLE], number=one).encode() for one in range(number)]
    try:
        served.wait_until_ready(cores().server)
        return _measured(served, messages, ground, "204")
    finally:
        served.stop()


def measure_revocation(ground: Ground, rounds: int = ROUNDS) -> list[float]:
    """Return the seconds from before an admin's deactivation to after the last yes of two servers on one PostgreSQL, round by round."""
    with ground.database("PostgreSQL", "memory") as url:
        first, second = Served(url, ground.folder), Served(url, ground.memory_folder)
        with _house(url, first.base_url) as house:
            try:
                first.start()
                second.start()
                return [_revoked(house, (first, second), _signed(house, number)) for number in range(rounds)]
            finally:
                first.stop()
                second.stop()


def answers(where: Ground, plan: Plan) -> list[Target]:
    """Show what an answer costs beside its floor, and how long a yes outlives a deactivation."""
    number = plan.sign_ins * 10
    shown = table(
        f"Answers of forward-auth, one core, {CLIENTS} connections", "per second", "CPU ms", "busy", "of floor"
    )
    floor = measure_floor(where, number)
    shown.add_row(
        "floor: Starlette, 204, as many headers", f"{floor.per_second:,.0f}", f"{floor.cpu_ms:.3f}", f"{floor.busy:.0%}"
    )
    console.print("… PostgreSQL, database in memory")
    ours = measure(where, "PostgreSQL", number)
    ratio = floor.cpu_ms / ours.cpu_ms
    shown.add_row(
        "PostgreSQL, database in memory",
        f"{ours.per_second:,.0f}",
        f"{ours.cpu_ms:.3f}",
        f"{ours.busy:.0%}",
        f"{ratio:.2f}",
    )
    console.print(shown, "")
    seconds = sorted(measure_revocation(where))
    shown = table("From deactivation to the last yes, two servers, PostgreSQL", "seconds")
    shown.add_row(f"middle of {len(seconds)}", f"{seconds[len(seconds) // 2]:.2f}")
    shown.add_row("longest", f"{seconds[-1]:.2f}")
    console.print(shown, "")
    told = logout.measure(where)
    shown = table("From a deactivation to the app's logout token, two servers, PostgreSQL", "middle, s", "longest, s")
    for name, one in told.items():
        shown.add_row(name, f"{sorted(one)[len(one) // 2]:.2f}", f"{max(one):.2f}")
    console.print(shown, "")
    slowest = max(max(one) for one in told.values())
    promise = f"no yes of either server {MOST_SECONDS:g} s after a deactivation"
    return [
        at_least("answers of forward-auth to floor, by CPU", ratio, LEAST_RATIO),
        Target(promise, f"{seconds[-1]:.2f} s", seconds[-1] < MOST_SECONDS),
        Target(
            f"an app is told within {MOST_SECONDS:g} s of a deactivation", f"{slowest:.2f} s", slowest < MOST_SECONDS
        ),
    ]


def _measured(served: Served, messages: list[bytes], ground: Ground, status: str) -> Rate:
    assert served.process is not None
    post(served.port, messages[: len(messages) // 4], ground.folder, CLIENTS)
    before = usage(served.process.pid)
    posted: Posted = post(served.port, messages, ground.folder, CLIENTS)
    spent = usage(served.process.pid).cpu_seconds - before.cpu_seconds
    assert posted.statuses == {status: len(messages)}, posted.statuses
    return rate_of(posted, spent)


def _messages(signed: list[Signed], number: int) -> list[bytes]:
    return [_MESSAGE.format(token=signed[one % len(signed)].token, number=one).encode() for one in range(number)]


def _revoked(house: House, servers: tuple[Served, Served], signed: Signed) -> float:
    """Ask both servers without a pause, deactivate meanwhile, and return how long after that the last yes came."""
    headers = {
        "Cookie": f"vestibule_app_dev={signed.token}",
        "X-Original-URL": f"http://{HOST}/",
        "X-Original-Method": "GET",
    }
    with httpx.Client(trust_env=False) as http:
        urls = [f"{one.base_url}/e/dev/verify" for one in servers]
        for url in urls:
            assert http.get(url, headers=headers).status_code == 200
        began = time.monotonic()
        end_user.deactivate(house.runtime, house.owner, signed.person.id)
        last, refusing = 0.0, 0
        while refusing < len(urls):
            answers = [http.get(url, headers=headers).status_code for url in urls]
            refusing = sum(status == 401 for status in answers)
            if refusing < len(urls):
                last = time.monotonic() - began
    return last


def _signed(house: House, number: int) -> Signed:
    person = sign_ins.add_person(
        house, f"person{number}@example.com", name=f"Person {number}", status=EndUserStatus.ACTIVE
    )
    place, token = house.environments["dev"], new_token()
    session_id = sign_in(house, person)
    begun = ForwardAuthSession(house.workspace.id, place.id, session_id, HOST)
    with house.runtime.database.transaction() as tx:
        for group in list_groups(tx, house.workspace.id, place.id):
            # Into Everyone nobody is put: that is the access itself.
            access.add_member(tx, house.workspace.id, group.id, person.id, source=Source.MANUAL, now=house.clock())
        forward_auth.insert_session(tx, begun, token_hash(token), house.clock())
    return Signed(person, token)


@contextmanager
def _house(url: str, base_url: str) -> Iterator[House]:
    clock = TestClock()
    runtime = make_runtime(url, clock, base_url)
    try:
        house = furnish(runtime, clock)
        groups = (group_of(house, name="Designers"), group_of(house, name="Operations"))
        wiki(house, groups=groups)
        yield house
    finally:
        runtime.database.close()
