"""What one response is measured against. Owns no rule."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from vestibule.saml.certificates import Certificate
from vestibule.saml.keys import DecryptionKey


@dataclass(frozen=True, slots=True)
class Expectations:
    """All that the verification of one response depends on; everything here is ours or was configured by an admin.

    `in_response_to` is the ID of the stored request; None accepts nothing, unless `unsolicited` says that a
    response which nobody asked for is expected: then it must have no InResponseTo anywhere.
    `authn_after` is when a request with ForceAuthn was made: an older sign-in is refused. `context_classes` are those of
    which the answer must name one; empty, any will do.
    Without `decryption_keys` encrypted messages are refused; `allow_cbc` is the exception for identity providers that know
    no AES-GCM, and holds under a verified signature only. A certificate that has ended still signs, unless `refuse_expired`:
    what is trusted is the key that an admin or the metadata named.
    """

    idp_entity_id: str
    certificates: tuple[Certificate, ...]
    acs_url: str
    sp_entity_id: str
    in_response_to: str | None
    now: datetime
    clock_skew_seconds: int = 120
    decryption_keys: tuple[DecryptionKey, ...] = ()
    allow_cbc: bool = False
    refuse_expired: bool = False
    unsolicited: bool = False
    authn_after: datetime | None = None
    context_classes: tuple[str, ...] = ()
    skew: timedelta = field(init=False)

    def __post_init__(self) -> None:
        """Work out how far the clocks of both sides may differ. Raises ValueError for what can't be expected at once."""
        if self.unsolicited and self.in_response_to is not None:
            raise ValueError("an unsolicited response answers no request")
        object.__setattr__(self, "skew", timedelta(seconds=self.clock_skew_seconds))
