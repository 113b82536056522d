"""Two admins who delete one thing at the same instant: it is deleted once, on the record once, and the second is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from tests.support import apps as app_support
from tests.support import people
from tests.support.house import House, TestClock, furnish, make_runtime
from vestibule.flows import apps, connections, groups
from vestibule.kernel.errors import NotFound
from vestibule.storage.tables import activity


@pytest.fixture
def meanwhile(postgresql_url: str, clock: TestClock) -> Iterator[House]:
    """Give a house on PostgreSQL, where two transactions read side by side; SQLite lets one write after the other."""
    runtime = make_runtime(postgresql_url, clock)
    yield furnish(runtime, clock)
    runtime.database.close()


def delete_connection(house: House) -> tuple[Any, str, Callable[[], object]]:
    made = people.connect(house)
    return connections, "found_connection", lambda: connections.delete_connection(house.runtime, house.owner, made.id)


def delete_group(house: House) -> tuple[Any, str, Callable[[], object]]:
    made = people.group_of(house)
    return groups, "changeable_group", lambda: groups.delete_group(house.runtime, house.owner, "dev", made.id)


def delete_app(house: House) -> tuple[Any, str, Callable[[], object]]:
    made = app_support.make_app(house)
    return apps, "found_app", lambda: apps.delete_app(house.runtime, house.owner, made.id)


@pytest.mark.parametrize("kind", [delete_connection, delete_group, delete_app])
def test_what_is_deleted_twice_at_once_is_deleted_once(
    meanwhile: House, monkeypatch: pytest.MonkeyPatch, kind: Callable[[House], tuple[Any, str, Callable[[], object]]]
) -> None:
    room, step, act = kind(meanwhile)
    look = getattr(room, step)

    def looked(*arguments: Any) -> Any:
        found = look(*arguments)
        monkeypatch.setattr(room, step, look)
        act()
        return found

    monkeypatch.setattr(room, step, looked)
    with pytest.raises(NotFound):
        act()
    with meanwhile.runtime.database.reading() as tx:
        acts = tx.execute(select(activity.c.action)).scalars().all()
    assert len([one for one in acts if one.endswith(".deleted")]) == 1
