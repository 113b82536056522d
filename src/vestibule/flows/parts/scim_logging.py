"""What a directory sent, on the record for the admin: redacted, bounded, with what was done."""

from __future__ import annotations

import json
from typing import Any, Final

from vestibule.directory.scim import ScimEvent
from vestibule.flows.parts.pushing import Push
from vestibule.kernel.ids import new_id
from vestibule.kernel.text import printable
from vestibule.storage import scim_events
from vestibule.storage.database import Transaction

MAX_SENT: Final = 4000
MAX_PATH: Final = 300
_MOST_LISTED: Final = 20
_DEEPEST: Final = 12
_HIDDEN: Final = "•••"


def log_request(
    tx: Transaction, push: Push, method: str, path: str, body: Any, status: int, scim_type: str | None = None
) -> None:
    """Append one request to the connection's log. `path` and `body` are untrusted."""
    event = ScimEvent(
        id=new_id("scim_event", push.now),
        at=push.now,
        method=method,
        path=printable(path, MAX_PATH),
        status=status,
        scim_type=scim_type,
        resource_id=push.subject_id,
        resource_name=push.subject_name,
        address=push.actor.address,
        sent=_sent(body),
        notes=[{"message": note.message, "params": dict(note.params)} for note in push.notes],
    )
    scim_events.append(tx, push.workspace_id, push.connection_id, event)


def _sent(body: Any) -> str:
    if body is None:
        return ""
    return printable(json.dumps(redacted(body), ensure_ascii=False), MAX_SENT)


def laid_out(sent: str) -> str:
    """Return what was kept of a body with a line for each member; one that was cut off, or made safe, stays as it is."""
    try:
        return json.dumps(json.loads(sent), ensure_ascii=False, indent=1)
    except ValueError:
        return sent


def redacted(value: Any, depth: int = 0) -> Any:
    """Return a body with every secret hidden, wherever it stands: as a member, or as the value of an operation with such a path."""
    if depth > _DEEPEST:
        return "…"
    if isinstance(value, dict):
        named = [(name, name.lower(), inner) for name, inner in value.items()]
        secret_path = any(lower == "path" and _is_secret(str(inner).lower()) for _, lower, inner in named)
        return {
            name: _HIDDEN if _is_secret(lower) or (secret_path and lower == "value") else redacted(inner, depth + 1)
            for name, lower, inner in named
        }
    if isinstance(value, list):
        shown = [redacted(one, depth + 1) for one in value[:_MOST_LISTED]]
        more = len(value) - len(shown)
        return [*shown, f"… {more} more"] if more else shown
    return value


def _is_secret(lower: str) -> bool:
    return "password" in lower or "secret" in lower or "token" in lower
