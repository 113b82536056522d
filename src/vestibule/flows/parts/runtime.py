"""What every flow is handed: the database, the clock, the sealer, and the few settings that flows need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from vestibule.kernel.clock import Clock
from vestibule.kernel.secrets import Sealer
from vestibule.storage.database import Database


class Fetch(Protocol):
    """Fetches a document from an address that an admin typed, guarded. Raises errors of `outside.fetching`."""

    def __call__(self, url: str, /) -> bytes:
        """Return the document's bytes (untrusted)."""
        ...


@dataclass(frozen=True, slots=True)
class Runtime:
    """The tools of a flow."""

    database: Database
    clock: Clock
    sealer: Sealer
    public_url: str
    fetch: Fetch
    mail_enabled: bool = False
