"""Recording an act in the activity, in the flow's own transaction: what is not recorded did not happen."""

from __future__ import annotations

from vestibule.directory.activity import Actor, Entry, Event
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel.ids import new_id
from vestibule.storage import activity
from vestibule.storage.database import Transaction


def record(tx: Transaction, runtime: Runtime, workspace_id: str, actor: Actor, event: Event) -> str:
    """Append one entry to the workspace's activity; return its id."""
    now = runtime.clock()
    entry = Entry(new_id("activity", now), now, actor, event)
    activity.append(tx, workspace_id, entry)
    return entry.id
