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
