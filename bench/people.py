"""Fills a workspace with made-up people: rows go straight into the tables, as they would lie there after years of use.

First and last names are common and rare as in life, so that a search for one finds many and for another few.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any, Final

from sqlalchemy import text

from bench.loading import loading
from vestibule.directory.end_users import search_terms
from vestibule.directory.groups import Group
from vestibule.directory.sources import Source
from vestibule.directory.workspaces import Environment
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import email_key, fold
from vestibule.storage import groups as groups_storage
from vestibule.storage.database import Database
from vestibule.storage.tables import end_user_terms, end_users, environment_access, group_members


def _words(listed: str) -> list[str]:
    return listed.split()


FIRST: Final = _words("""
    Maria Anna James John Amara Bram Chiara Daniel Elif Finn Grace Hugo Ines Jonas Katja Liam Maya Noor Olga Priya Quentin
    Rosa Samir Tomás Ulla Viktor Wanda Ximena Yusuf Zoë Aiko Björn Carmen Dmitri Esra Fatima Giulia Hiro Ingrid Jakub Kofi
    Leila Mateo Nadia Omar Paula Rashid Sofia Tariq Uma Vera Wim Xavier Yara Zbigniew Agnes Boris Célia Dora Emil Freya
    Goran Heidi Ivan Joana Karim Lena Marek Nils Oksana Pavel Rania Sven Tessa Uwe Valeria Walid Yoko Zainab Łukasz
""")
_ONSETS: Final = _words(
    "ba be bo da de do fa fe ga go ha ho ja jo ka ko la le li ma me mi mo na ne no pa pe ra re ri ro sa se"
)
_MIDDLES: Final = _words("l ll nd ng nk r rd rk rs s sk st t tt v z")
_ENDS: Final = _words("a berg ek en er i ic in man o ova sen ska son ström")
LAST: Final = [f"{a}{b}{c}".capitalize() for a in _ONSETS for b in _MIDDLES for c in _ENDS]
GROUPS: Final = 20
BATCH: Final = 20_000
_YEARS: Final = timedelta(days=700)
_TABLES: Final = (end_users, end_user_terms, environment_access, group_members)
_STATUS: Final = (("active", "invited", "deactivated"), (90, 7, 3))
_SOURCE: Final = (("scim", "jit", "manual", "api", "import"), (60, 20, 10, 5, 5))


def fill(database: Database, workspace_id: str, environments: Sequence[Environment], count: int, seed: int = 1) -> None:
    """Add `count` people to a workspace, most with access to the last of its environments, many in one of its groups."""
    chance = random.Random(seed)  # noqa: S311 - made-up people are no secrets
    now = datetime.now(UTC)
    group_ids = _make_groups(database, workspace_id, environments, now)
    people = _people(chance, workspace_id, now, count)
    with loading(database, _TABLES if count > BATCH else ()) as load:
        for start in range(0, count, BATCH):
            batch = [next(people) for _ in range(min(BATCH, count - start))]
            access = list(_access(chance, batch, environments))
            load(end_users, batch)
            load(end_user_terms, list(_terms(batch)))
            load(environment_access, access)
            load(group_members, list(_members(chance, access, group_ids)))
    analyze(database)


def analyze(database: Database) -> None:
    """Let the database take stock, as it does by itself in the course of years."""
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        if not database.is_sqlite:
            connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("ANALYZE" if database.is_sqlite else "VACUUM ANALYZE"))


def _make_groups(
    database: Database, workspace_id: str, environments: Sequence[Environment], now: datetime
) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    with database.transaction() as tx:
        for environment in environments:
            made[environment.id] = []
            for number in range(GROUPS):
                group = Group(
                    new_id("group", now), workspace_id, environment.id, f"Group {number + 1}", False, Source.SCIM, now
                )
                groups_storage.insert_group(tx, group)
                made[environment.id].append(group.id)
    return made


def _people(chance: random.Random, workspace_id: str, now: datetime, count: int) -> Iterator[dict[str, Any]]:
    firsts, lasts = _skewed(FIRST), _skewed(LAST)
    for number in range(1, count + 1):
        first, last = chance.choices(FIRST, cum_weights=firsts)[0], chance.choices(LAST, cum_weights=lasts)[0]
        email = f"{fold(first)}.{fold(last)}{number}@{'example.com' if chance.random() < 0.8 else 'labs.example'}"
        born = now - _YEARS * (1 - number / count)
        yield {
            "id": new_id("end_user", born),
            "workspace_id": workspace_id,
            "email": email,
            "email_key": email_key(email),
            "full_name": f"{first} {last}",
            "name_key": fold(f"{first} {last}"),
            "status": chance.choices(*_STATUS)[0],
            "source": chance.choices(*_SOURCE)[0],
            "created_at": born,
            "updated_at": born,
            "last_sign_in_at": now if chance.random() < 0.5 else None,
        }


def _skewed(names: Sequence[str]) -> list[float]:
    return list(accumulate(1 / (rank + 10) for rank in range(len(names))))


def _terms(people: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one in people:
        for term in search_terms(one["full_name"], one["email"]):
            yield {
                "end_user_id": one["id"],
                "term": term,
                "workspace_id": one["workspace_id"],
                "name_key": one["name_key"],
            }


def _access(
    chance: random.Random, people: Iterable[dict[str, Any]], environments: Sequence[Environment]
) -> Iterator[dict[str, Any]]:
    for one in people:
        for position, environment in enumerate(environments):
            if chance.random() < (0.9 if position == len(environments) - 1 else 0.25):
                yield {
                    "environment_id": environment.id,
                    "end_user_id": one["id"],
                    "workspace_id": one["workspace_id"],
                    "name_key": one["name_key"],
                    "source": one["source"],
                    "created_at": one["created_at"],
                }


def _members(
    chance: random.Random, access: Iterable[dict[str, Any]], group_ids: dict[str, list[str]]
) -> Iterator[dict[str, Any]]:
    weights = [1 / (rank + 1) for rank in range(GROUPS)]
    for one in access:
        yield {**one, "group_id": chance.choices(group_ids[one["environment_id"]], weights)[0]}
