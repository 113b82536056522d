"""Our own SAML keys: what each is for, and how one takes over from another. The private half is sealed here, always."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from vestibule.kernel.errors import Conflict
from vestibule.kernel.text import N_

# Identity providers that read our metadata do so once a day; those whose admin carries it need a fortnight.
OVERLAP_DAYS: Final = 14
MAX_OVERLAP_DAYS: Final = 90


class KeyUse(StrEnum):
    """What a key is for. The words are those of `use` in a KeyDescriptor (saml-metadata-2.0-os 2.4.1.1)."""

    SIGNING = "signing"
    ENCRYPTION = "encryption"


class KeyState(StrEnum):
    """Where a key stands: published and not used yet, in use, or published until it ends."""

    NEXT = "next"
    IN_USE = "in_use"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A key pair as it lies in the database: `sealed_private_key` opens for the row `saml_keys/<id>` only.

    It is published from `created_at` until `ends_at`, and in use from `active_at` until another of its use takes over.
    """

    id: str
    workspace_id: str
    use: KeyUse
    sealed_private_key: bytes = field(repr=False)
    certificate: bytes
    created_at: datetime
    active_at: datetime
    ends_at: datetime | None = None


class RotationUnderWay(Conflict):
    """A new key is published and has not taken over yet: a further one would only confuse."""

    code = "key_rotation_under_way"
    public = N_(
        "A rotation is under way: the new keys take over on %(day)s. Until then they can only be replaced at once."
    )


class KeysUnreadable(Conflict):
    """The keys that would stay in use can't be opened: an overlap would only put off what signs and opens again."""

    code = "saml_keys_unreadable"
    public = N_(
        "The SAML keys can’t be opened with this server’s secret key, so nothing could be signed or decrypted until new ones take "
        "over. Give the server the secret key that it had. If that is lost, replace the keys at once, with an overlap of 0 days."
    )


def of_use(keys: Iterable[SealedKey], use: KeyUse, now: datetime) -> tuple[SealedKey, ...]:
    """Return the keys of one use in the order in which they are published: the one in use, the next, those that end."""
    newest_first = sorted(
        (key for key in keys if key.use is use), key=lambda key: (key.active_at, key.id), reverse=True
    )
    active = [key for key in newest_first if key.active_at <= now]
    return (*active[:1], *(key for key in newest_first if key.active_at > now), *active[1:])


def state_of(key: SealedKey, keys: Iterable[SealedKey], now: datetime) -> KeyState:
    """Say where one of the keys of a workspace stands."""
    if now < key.active_at:
        return KeyState.NEXT
    return KeyState.IN_USE if of_use(keys, key.use, now)[0].id == key.id else KeyState.ENDING


def end_of_overlap(now: datetime, overlap: timedelta) -> tuple[datetime, datetime]:
    """Return when a key that is published now takes over, and when the one before it ends: as much later again.

    An identity provider that reads the metadata late, or has cached it, still finds the old key valid by then.
    """
    return now + overlap, now + 2 * overlap
