"""Taking access away: what ends with it at once, and the receipt that says so, in the transaction of the act."""

from __future__ import annotations

from collections.abc import Collection

from vestibule.directory.receipts import Ended
from vestibule.flows.parts.runtime import Runtime
from vestibule.storage import receipts
from vestibule.storage.database import Transaction


def write_receipt(
    tx: Transaction, runtime: Runtime, workspace_id: str, end_user_id: str, entry_id: str, ended: Ended
) -> None:
    """Write what an act (its activity entry) has ended for somebody, and let the apps be told whose sessions rested on that."""
    now = runtime.clock()
    receipts.insert_receipts(tx, workspace_id, entry_id, now, {end_user_id: ended})
    if ended.sessions:
        receipts.note_ended(tx, workspace_id, end_user_id, entry_id, now)


def write_receipt_of_part(
    tx: Transaction,
    runtime: Runtime,
    workspace_id: str,
    end_user_id: str,
    entry_id: str,
    ended: Ended,
    app_ids: Collection[str],
) -> None:
    """Write what an act has ended for somebody who keeps access, once what apps hold that they may not use since has ended, too.

    Nothing is written where nothing ended.
    """
    lost = receipts.end_lost(tx, app_ids, entry_id, runtime.clock(), (end_user_id,)) if app_ids else {}
    if lost or ended != Ended():
        whole = ended.plus(lost.get(end_user_id, Ended()))
        write_receipt(tx, runtime, workspace_id, end_user_id, entry_id, whole)


def take_apps(
    tx: Transaction,
    runtime: Runtime,
    workspace_id: str,
    app_ids: Collection[str],
    entry_id: str,
    people: Collection[str] | None = None,
) -> None:
    """End what apps hold of people (all, unless named) who may not use them since an act, and write a receipt for each of them.

    No statement when no app is concerned; nothing is written for people of whom the apps hold nothing.
    """
    if not app_ids:
        return
    now = runtime.clock()
    ended = receipts.end_lost(tx, app_ids, entry_id, now, people)
    receipts.insert_receipts(tx, workspace_id, entry_id, now, ended)
