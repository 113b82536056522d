"""Receipts on a person's page: what an act that took access away has ended, each effect with its time and outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from vestibule.directory.activity import Entry
from vestibule.directory.admins import Permission
from vestibule.directory.app_sessions import AppSession
from vestibule.directory.receipts import Receipt, last_effect
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.forwarding import DECISION_SECONDS
from vestibule.flows.parts.people import found_end_user
from vestibule.flows.parts.runtime import Runtime
from vestibule.storage import activity, app_sessions, apps, receipts

_REMEMBERED: Final = timedelta(seconds=DECISION_SECONDS)
# The latest, and a few before it: a directory often takes somebody out of their groups first.
_MOST: Final = 4
_WHOLE: Final = frozenset({"end_user.deactivated", "end_user.access_removed"})


@dataclass(frozen=True, slots=True)
class Shown:
    """One receipt with its act; `whole` says that access itself went, and not apps alone.

    `told` are the apps that are told of it; `silent` those that lost a grant and have nothing to be told of. `refused_from` is when
    forward-auth says no on every node; `complete_at` is None while an app is not told.
    """

    receipt: Receipt
    entry: Entry
    whole: bool
    told: tuple[AppSession, ...]
    silent: tuple[str, ...]
    refused_from: datetime
    complete_at: datetime | None


@dataclass(frozen=True, slots=True)
class PersonsReceipts:
    """The receipts of a person, the newest first. `names` are of the apps by id, those deleted left out."""

    receipts: tuple[Shown, ...]
    names: Mapping[str, str]


def receipts_of_person(runtime: Runtime, caller: AdminCaller, end_user_id: str) -> PersonsReceipts:
    """Return the newest receipts of a person. Raises NotFound, Forbidden. A look that finds none takes one statement."""
    caller.require(Permission.READ)
    workspace_id = caller.workspace_id
    with runtime.database.reading() as tx:
        person = found_end_user(tx, caller, end_user_id, lock=False)
        found = receipts.list_receipts(tx, workspace_id, person.id, _MOST)
        if not found:
            return PersonsReceipts((), {})
        entry_ids = [one.entry_id for one in found]
        entries = activity.find_all(tx, workspace_id, entry_ids)
        told = app_sessions.list_told(tx, workspace_id, person.id, entry_ids)
        granted = {grants.app_id for one in found for grants in one.ended.grants}
        names = apps.names_of(tx, workspace_id, granted | {one.app_id for one in told})
    return PersonsReceipts(tuple(_shown(one, entries[one.entry_id], told) for one in found), names)


def _shown(receipt: Receipt, entry: Entry, told: tuple[AppSession, ...]) -> Shown:
    mine = tuple(one for one in told if one.entry_id == receipt.entry_id)
    heard = {one.app_id for one in mine}
    return Shown(
        receipt=receipt,
        entry=entry,
        whole=entry.event.action in _WHOLE,
        told=mine,
        silent=tuple(one.app_id for one in receipt.ended.grants if one.app_id not in heard),
        refused_from=receipt.at + _REMEMBERED,
        complete_at=last_effect(receipt, mine, _REMEMBERED),
    )
