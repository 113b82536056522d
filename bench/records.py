"""Fills a workspace with a long past: its activity, and people who wait. Rows go straight into the tables, as in `bench.people`."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bench.loading import loading
from bench.people import BATCH, analyze
from vestibule.directory.connections import Connection
from vestibule.directory.workspaces import Environment
from vestibule.kernel.ids import new_id
from vestibule.storage.database import Database
from vestibule.storage.tables import activity, knocks

_YEARS: Final = timedelta(days=700)
# What happens often and seldom, with how often it is refused.
_ACTIONS: Final = (
    ("end_user.sign_in", 80.0, 0.1),
    ("end_user.signed_out", 10.0, 0.0),
    ("end_user.added", 5.0, 0.0),
    ("end_user.group_joined", 4.0, 0.0),
    ("group.created", 0.6, 0.0),
    ("connection.edited", 0.3, 0.01),
    ("admin.sign_in", 0.1, 0.2),
    ("workspace.renamed", 0.001, 0.0),
)
_PEOPLE: Final = 1000


def fill_records(
    database: Database, workspace_id: str, environments: Sequence[Environment], connection: Connection, count: int
) -> None:
    """Add `count` entries of activity to a workspace, and a tenth as many who wait at a connection."""
    chance = random.Random(1)  # noqa: S311 - made-up records are no secrets
    with loading(database, (activity, knocks) if count > BATCH else ()) as load:
        for table, rows in (
            (activity, _entries(chance, workspace_id, environments, count)),
            (knocks, _knocks(workspace_id, connection, count // 10)),
        ):
            batch: list[dict[str, Any]] = []
            for row in rows:
                batch.append(row)
                if len(batch) == BATCH:
                    load(table, batch)
                    batch = []
            load(table, batch)
    analyze(database)


def _entries(
    chance: random.Random, workspace_id: str, environments: Sequence[Environment], count: int
) -> Iterator[dict[str, Any]]:
    now, actions, often = datetime.now(UTC), list(_ACTIONS), [one[1] for one in _ACTIONS]
    places = [one.id for one in environments]
    for number, (action, _, refused) in enumerate(chance.choices(actions, often, k=count), 1):
        at = now - _YEARS * (1 - number / count)
        who = f"usr_{chance.randrange(max(_PEOPLE, count // 50)):026}"
        yield {
            "id": new_id("activity", at),
            "workspace_id": workspace_id,
            "at": at,
            "actor_kind": "end_user",
            "actor_id": who,
            "actor_name": "Somebody",
            "address": "192.0.2.1",
            "request_id": "",
            "action": action,
            "outcome": "refused" if chance.random() < refused else "done",
            "subject_kind": "end_user",
            "subject_id": who,
            "subject_name": "Somebody",
            # Hardly anything happens in the first environment, most of it in the last one.
            "environment_id": chance.choices(places, [10**position for position in range(len(places))])[0],
            "connection_id": None,
            "reference": None,
            "details": {},
        }


def _knocks(workspace_id: str, connection: Connection, count: int) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for number in range(1, count + 1):
        at = now - _YEARS * (1 - number / count)
        yield {
            "id": new_id("knock", at),
            "workspace_id": workspace_id,
            "environment_id": connection.environment_id,
            "connection_id": connection.id,
            "subject_key": f"{number:064x}",
            "subject_kind": "persistent",
            "subject_value": str(number),
            "email": f"waiting{number}@example.com",
            "email_key": f"waiting{number}@example.com",
            "full_name": f"Waiting {number}",
            "reason": "unknown",
            "attempts": 1,
            "first_at": at,
            "last_at": at,
        }
