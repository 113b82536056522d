"""One-time links: what they are for, and whom they are for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Purpose(StrEnum):
    """What a link is for; a link of one purpose opens nothing else."""

    ADMIN_FIRST_RUN = "admin_first_run"
    ADMIN_INVITATION = "admin_invitation"
    ADMIN_RECOVERY = "admin_recovery"
    ADMIN_RESET = "admin_reset"
    END_USER_INVITATION = "end_user_invitation"
    END_USER_RESET = "end_user_reset"


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A link that works once, for one admin or one end user, until it expires."""

    workspace_id: str
    purpose: Purpose
    admin_id: str | None
    end_user_id: str | None
    environment_id: str | None
    created_at: datetime
    expires_at: datetime
