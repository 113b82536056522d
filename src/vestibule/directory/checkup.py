"""What the operator's check-up reports about the directory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class EndingCertificate:
    """A signing certificate of an identity provider in use that has ended, or ends soon."""

    workspace: str
    idp: str
    fingerprint: str
    not_after: datetime


@dataclass(frozen=True, slots=True)
class MetadataTrouble:
    """Metadata of an identity provider in use that can't be read, or says something that waits for approval. `failure` None: it waits."""

    workspace: str
    idp: str
    since: datetime
    failure: str | None


@dataclass(frozen=True, slots=True)
class OurKeys:
    """Our own keys: how many there are, can't be opened, have a certificate near its end, wait to take over."""

    count: int
    unreadable: int
    ending: int
    waiting: int
