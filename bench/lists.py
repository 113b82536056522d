"""The console's long lists with a few people and with very many: the same pages over HTTP, asked in turn, by a signed-in admin."""

from __future__ import annotations

import http.client
import multiprocessing
import re
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from html import unescape
from statistics import median
from typing import Final
from urllib.parse import urlencode

import httpx
from sqlalchemy import Table, func, select

from bench.ground import ENGINES, Engine, Ground, cores
from bench.people import fill
from bench.records import fill_records
from tests.support.house import Client, TestClock, furnish, make_runtime
from tests.support.people import connect
from tests.support.served import Served
from vestibule.directory.connections import Connection
from vestibule.directory.workspaces import Environment
from vestibule.storage.database import Database, Transaction
from vestibule.storage.tables import activity, end_users, groups, knocks
from vestibule.web.positions import to_address

HOME: Final = "/admin/end-users"
ACTIVITY: Final = "/admin/activity"
_ROW: Final = re.compile(r'<tr><th scope="row">')
_NEXT: Final = re.compile(r'href="(/admin/end-users\?[^"]*after=[^"]*)"')
# A path with its query.
_Page = tuple[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Timing:
    """One page: how many rows it showed, and the median time in milliseconds, with few people and with many."""

    name: str
    rows: tuple[int, int]
    few_ms: float
    many_ms: float

    @property
    def ratio(self) -> float:
        """Return how much longer it takes with many people."""
        return self.many_ms / self.few_ms


@dataclass
class Asked:
    """One house with its server, and the addresses of the pages in it."""

    connection: http.client.HTTPConnection
    cookie: str
    pages: dict[str, str]
    rows: dict[str, int]

    def get(self, address: str) -> tuple[float, str]:
        """Ask for a page; return the seconds it took, and the page."""
        started = time.perf_counter()
        self.connection.request("GET", address, headers={"Cookie": self.cookie})
        response = self.connection.getresponse()
        page = response.read()
        seconds = time.perf_counter() - started
        assert response.status == 200, (address, response.status)
        return seconds, page.decode()


def measure(ground: Ground, few: int, many: int, times: int) -> Iterator[tuple[Engine, list[Timing]]]:
    """Give the timings of each page on each engine.

    The houses of both engines are filled at once, which takes longest. Those of one engine are asked in turn, so that
    whatever else the machine does meets both.
    """
    with ExitStack() as stack:
        filled = [
            (engine, number, *stack.enter_context(_furnished(ground, engine)))
            for engine in ENGINES
            for number in (few, many)
        ]
        with ProcessPoolExecutor(len(ENGINES), multiprocessing.get_context("spawn")) as pool:
            waiting = [
                pool.submit(_fill, number, served.database_url, *left) for _, number, served, left in reversed(filled)
            ]
            for one in waiting:
                one.result()
        for engine in ENGINES:
            with ExitStack() as asking:
                small, large = (
                    asking.enter_context(_asked(served, *left)) for one, _, served, left in filled if one == engine
                )
                yield engine, [_time(name, small, large, times) for name in small.pages]


def _time(name: str, small: Asked, large: Asked, times: int) -> Timing:
    taken: tuple[list[float], list[float]] = ([], [])
    for asked in (small, large):
        asked.connection.close()  # the server has, if it was long; the next request opens it
    for number in range(times + 3):
        for asked, seconds in zip((small, large), taken, strict=True):
            spent, _ = asked.get(asked.pages[name])
            if number >= 3:
                seconds.append(spent)
    return Timing(name, (small.rows[name], large.rows[name]), median(taken[0]) * 1000, median(taken[1]) * 1000)


_House = tuple[str, list[Environment], Connection]


@contextmanager
def _furnished(ground: Ground, engine: Engine) -> Iterator[tuple[Served, _House]]:
    """Give a server that does not run yet, and its house without people: workspace, environments, where people wait."""
    with ground.database(engine, "disk") as url:
        served, clock = Served(url, ground.folder), TestClock()
        runtime = make_runtime(url, clock, served.base_url)
        try:
            house = furnish(runtime, clock)
            waiting_at = connect(house, next(iter(house.environments)))
        finally:
            runtime.database.close()
        yield served, (house.workspace.id, list(house.environments.values()), waiting_at)


def _fill(number: int, url: str, workspace_id: str, environments: list[Environment], waiting_at: Connection) -> None:
    """Fill a house, in a process of its own."""
    database = Database(url)
    try:
        fill(database, workspace_id, environments, number)
        fill_records(database, workspace_id, environments, waiting_at, number)
    finally:
        database.close()


@contextmanager
def _asked(
    served: Served, workspace_id: str, environments: list[Environment], _waiting_at: Connection
) -> Iterator[Asked]:
    with ExitStack() as stack:
        database = Database(served.database_url)
        stack.callback(database.close)
        with database.reading() as tx:
            pages = _pages(tx, workspace_id, environments)
        stack.callback(served.stop)
        served.start(cores().server)
        connection = stack.enter_context(closing(http.client.HTTPConnection("127.0.0.1", served.port)))
        asked = Asked(connection, _signed_in(served), pages, {})
        _, first = asked.get(HOME)
        following = _NEXT.search(first)
        assert following is not None, "the list has no second page"
        asked.pages["next page"] = unescape(following[1])
        for name, address in asked.pages.items():
            asked.rows[name] = len(_ROW.findall(asked.get(address)[1]))
        yield asked


def _signed_in(served: Served) -> str:
    with httpx.Client(base_url=served.base_url, timeout=60, trust_env=False) as browser:
        Client(browser, served.base_url).sign_in()
        return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


def _pages(tx: Transaction, workspace_id: str, environments: list[Environment]) -> dict[str, str]:
    """Return the addresses of the pages by name. What is searched for is there in both houses."""
    first, *_, last = environments
    pages = {**_people_pages(tx, workspace_id, last), **_group_pages(tx, last)}
    pages.update(_record_pages(tx, workspace_id, first, last))
    return {name: f"{path}?{urlencode(query)}" if query else path for name, (path, query) in pages.items()}


def _people_pages(tx: Transaction, workspace_id: str, last: Environment) -> dict[str, _Page]:
    mine = end_users.c.workspace_id == workspace_id
    by_name = select(end_users.c.name_key, end_users.c.id, end_users.c.email, end_users.c.full_name).where(mine)
    middle = tx.execute(by_name.order_by(end_users.c.name_key, end_users.c.id).offset(_half(tx, end_users))).first()
    assert middle is not None
    rare, group = _rare_pair(tx, workspace_id), _groups(tx, last.id)
    queries: dict[str, dict[str, str]] = {
        "first page": {},
        "deep page": {"after": to_address(("name", middle.name_key, middle.id))},
        "search: common first name": {"q": "Maria"},
        "search: short prefix": {"q": "ma"},
        "search: one letter": {"q": "m"},
        "search: one letter, deep": {"q": "m", "after": to_address(("word-0", "maria.", "", ""))},
        "search: e-mail": {"q": middle.email},
        "search: domain": {"q": "labs.example"},
        "search: two words, one found": {"q": rare},
        "search: two words, both common": {"q": "maria example"},
        "search: two common names, nobody": {"q": "maria james"},
        "search: beginning of a full name": {"q": f'"{rare[:-1]}"'},
        "search: nobody": {"q": "zzyzx"},
        "filter: environment": {"environment": last.id},
        "filter: large group": {"group": group["Group 1"]},
        "filter: small group": {"group": group["Group 20"]},
        "filter: Everyone": {"group": group["Everyone"]},
        "filter: status": {"status": "deactivated"},
        "filter: source": {"source": "api"},
        "filter: status and source": {"status": "deactivated", "source": "import"},
        "search and all filters": {
            "q": "ma",
            "environment": last.id,
            "group": group["Group 1"],
            "status": "active",
            "source": "scim",
        },
        "search and all filters, hardly anybody": {
            "q": "ma",
            "environment": last.id,
            "group": group["Group 1"],
            "status": "deactivated",
            "source": "import",
        },
    }
    return {name: (HOME, query) for name, query in queries.items()}


def _group_pages(tx: Transaction, last: Environment) -> dict[str, _Page]:
    tab, group = f"/admin/environments/{last.key}/groups", _groups(tx, last.id)
    large, everyone = f"{tab}/{group['Group 1']}", f"{tab}/{group['Everyone']}"
    return {
        "groups of an environment": (tab, {}),
        "members of a large group": (large, {}),
        "members of a large group, search": (large, {"q": "maria"}),
        "members of a large group, two common names": (large, {"q": "maria james"}),
        "members of Everyone": (everyone, {}),
        "whom to add to a group": (f"{large}/add", {"q": "maria"}),
    }


def _record_pages(tx: Transaction, workspace_id: str, first: Environment, last: Environment) -> dict[str, _Page]:
    ids = select(activity.c.id).where(activity.c.workspace_id == workspace_id).order_by(activity.c.id)
    deep = tx.execute(ids.offset(_half(tx, activity)).limit(1)).scalar_one()
    waits = select(knocks.c.last_at, knocks.c.id).order_by(knocks.c.last_at).offset(_half(tx, knocks)).limit(1)
    tried = tx.execute(waits).one()
    queries: dict[str, dict[str, str]] = {
        "activity": {},
        "activity, deep page": {"before": deep},
        "activity: sign-ins": {"kind": "end_user.sign_in"},
        "activity: all of end users": {"kind": "end_user."},
        "activity: a rare kind": {"kind": "connection."},
        "activity: refused": {"outcome": "refused"},
        "activity: a quiet environment": {"environment": first.key},
        "activity: three filters": {"kind": "end_user.", "outcome": "refused", "environment": last.key},
        "activity: two filters, nothing": {"kind": "group.", "outcome": "refused"},
        "activity: an unknown address": {"q": "nobody@example.com"},
    }
    waiting = f"{HOME}/waiting"
    return {
        **{name: (ACTIVITY, query) for name, query in queries.items()},
        "waiting": (waiting, {}),
        "waiting, deep page": (waiting, {"before": to_address((tried.last_at.isoformat(), tried.id))}),
    }


def _half(tx: Transaction, table: Table) -> int:
    return int(tx.execute(select(func.count()).select_from(table)).scalar_one()) // 2


def _groups(tx: Transaction, environment_id: str) -> dict[str, str]:
    named = select(groups.c.name, groups.c.id).where(groups.c.environment_id == environment_id)
    return {row.name: row.id for row in tx.execute(named)}


def _rare_pair(tx: Transaction, workspace_id: str) -> str:
    """Return the first and last name of somebody whom no other shares both with."""
    pairs = (
        select(end_users.c.full_name)
        .where(end_users.c.workspace_id == workspace_id, end_users.c.full_name.like("Maria %"))
        .group_by(end_users.c.full_name)
        .order_by(func.count(), end_users.c.full_name)
        .limit(1)
    )
    return str(tx.execute(pairs).scalar_one())
