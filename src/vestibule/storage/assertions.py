"""Assertions that were used, and logout requests that an assertion may come behind: each kept for as long as it still counts."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import bindparam, cast, exists, select

from vestibule.storage.database import Transaction
from vestibule.storage.inserting import PreparedInsert, insert_into
from vestibule.storage.tables import saml_assertions
from vestibule.storage.types import Instant, Key

# A message may be a day old (saml.envelopes), and clocks differ.
MESSAGES_COUNT_FOR: Final = timedelta(days=1, minutes=5)
_ALL: Final = "all"
_SOME: Final = "some"

_USE: Final = PreparedInsert(saml_assertions, lambda new: new.on_conflict_do_nothing())
_logouts = saml_assertions.alias("logouts")
_MEANT: Final = exists().where(
    _logouts.c.assertion_key.in_([bindparam("all_key"), bindparam("own_key")]),
    _logouts.c.expires_at >= bindparam("issued_and_kept"),
)
_USE_UNLESS_MEANT: Final = PreparedInsert(
    saml_assertions,
    lambda new: new.from_select(
        ["assertion_key", "workspace_id", "expires_at"],
        select(
            cast(bindparam("used_key"), Key),
            cast(bindparam("in_workspace"), Key),
            cast(bindparam("until"), Instant),
        ).where(~_MEANT),
    ).on_conflict_do_nothing(),
)


@dataclass(frozen=True, slots=True)
class Named:
    """Whose session an assertion begins, as a logout request would name it, and when the assertion was issued."""

    name_key: str
    session_index: str | None
    issued_at: datetime


def use_message(
    tx: Transaction, workspace_id: str, connection_id: str, issuer: str, message_id: str, expires_at: datetime
) -> bool:
    """Use a message: True the first time, and False ever after on every node. "Once" is a unique insert, never a look before."""
    key = _used_key(connection_id, issuer, message_id)
    return _USE.write(tx, {"assertion_key": key, "workspace_id": workspace_id, "expires_at": expires_at}) == 1


def use_assertion(
    tx: Transaction,
    workspace_id: str,
    connection_id: str,
    issuer: str,
    assertion_id: str,
    expires_at: datetime,
    named: Named,
) -> bool:
    """Use an assertion like a message, in one statement; False as well where a logout request has ended its session already.

    `expires_at` is until when it could be replayed, clock skew included (saml-profiles-2.0-os 4.1.4.5).
    """
    other = _SOME if named.session_index is None else _index(named.session_index)
    values = {
        "used_key": _used_key(connection_id, issuer, assertion_id),
        "in_workspace": workspace_id,
        "until": expires_at,
        "all_key": _logout_key(connection_id, named.name_key, _ALL),
        "own_key": _logout_key(connection_id, named.name_key, other),
        "issued_and_kept": named.issued_at + MESSAGES_COUNT_FOR,
    }
    return _USE_UNLESS_MEANT.write(tx, values) == 1


def was_used(tx: Transaction, connection_id: str, issuer: str, assertion_id: str) -> bool:
    """Say whether an assertion that `use_assertion` did not take had been used before; else its session had ended."""
    used = saml_assertions.c.assertion_key == _used_key(connection_id, issuer, assertion_id)
    return tx.execute(select(saml_assertions.c.assertion_key).where(used)).one_or_none() is not None


def keep_logout(
    tx: Transaction,
    workspace_id: str,
    connection_id: str,
    name_keys: Collection[str],
    session_indexes: Collection[str],
    issued_at: datetime,
) -> None:
    """Keep a logout request for the assertions that it means and that arrive after it (saml-core-2.0-os 3.7.3.1).

    Those were issued before it, or at that instant: who signed in again since is not meant. Without `session_indexes` it
    means every session of the name, else those, and such that have none. Kept until no such assertion could be valid.
    """
    means = (_SOME, *map(_index, session_indexes)) if session_indexes else (_ALL,)
    keys = {_logout_key(connection_id, name_key, session) for name_key in name_keys for session in means}
    until = issued_at + MESSAGES_COUNT_FOR
    # In one order, so that two requests at one instant wait for each other and don't lock each other up.
    rows = [{"assertion_key": key, "workspace_id": workspace_id, "expires_at": until} for key in sorted(keys)]
    new = insert_into(tx, saml_assertions)
    later = {"expires_at": new.excluded.expires_at}
    earlier = saml_assertions.c.expires_at < new.excluded.expires_at
    tx.execute(new.on_conflict_do_update(index_elements=["assertion_key"], set_=later, where=earlier), rows)


def _index(session_index: str) -> str:
    return f"={session_index}"


def _used_key(connection_id: str, issuer: str, message_id: str) -> str:
    return hashlib.sha256(f"{connection_id}\0{issuer}\0{message_id}".encode()).hexdigest()


def _logout_key(connection_id: str, name_key: str, session: str) -> str:
    # Three NULs: no key of a used message has its parts apart like that, as an issuer has none.
    return hashlib.sha256(f"{connection_id}\0\0\0{name_key}\0{session}".encode()).hexdigest()
