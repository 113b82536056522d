"""What every SAML test needs: the expectations that fit `forge`'s defaults, and asserting a refusal with its whole trace."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.saml import forge
from vestibule.saml.certificates import Certificate, parse_certificate
from vestibule.saml.errors import SamlError
from vestibule.saml.responses import Expectations, VerifiedAssertion, verify_response
from vestibule.saml.trace import CHECKS


def certificate(key: forge.IdpKey | None = None) -> Certificate:
    return parse_certificate((key or forge.key()).certificate_der)


def expectations(**changes: Any) -> Expectations:
    standard = Expectations(
        idp_entity_id=forge.IDP,
        certificates=(certificate(),),
        acs_url=forge.ACS,
        sp_entity_id=forge.SP,
        in_response_to=forge.REQUEST_ID,
        now=forge.NOW,
    )
    return replace(standard, **changes)


def verify(data: bytes, **changes: Any) -> VerifiedAssertion:
    return verify_response(data, expectations(**changes))


def refused(data: bytes, error: type[SamlError], **changes: Any) -> SamlError:
    """Assert that the response is refused for exactly this reason, with a complete trace that fails at its check."""
    with pytest.raises(SamlError) as caught:
        verify(data, **changes)
    assert type(caught.value) is error, f"{caught.value!r}: {caught.value.reason}"
    checks = caught.value.checks
    assert [check.name for check in checks] == [name for name, _ in CHECKS]
    assert [check.name for check in checks if check.outcome == "failed"] == [error.check]
    assert all(len(check.expected) <= 300 and len(check.received) <= 300 for check in checks)
    assert caught.value.spec
    return caught.value
