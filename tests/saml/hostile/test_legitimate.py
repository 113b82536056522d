"""Every legitimate message passes, with exactly the values that were signed."""

from __future__ import annotations

import pytest

from tests.saml import forge
from tests.saml.hostile import logouts, redirects
from tests.saml.hostile.legitimate import PASSING, Legitimate
from tests.saml.test_encryption import KEYS
from tests.saml.verifying import verify


@pytest.mark.parametrize("message", PASSING, ids=str)
def test_a_legitimate_message_passes_with_the_signed_values(message: Legitimate) -> None:
    verified = verify(message.build(), **{"decryption_keys": KEYS, **message.overrides()})
    assert {check.outcome for check in verified.checks} == {"passed"}
    says = {"name_id": "ada@example.com", **message.says}
    assert {name: getattr(verified, name) for name in says} == says


@pytest.mark.parametrize("message", [*logouts.passing(), *redirects.passing()], ids=str)
def test_a_legitimate_logout_message_passes(message: logouts.Passing) -> None:
    verified = message.judge(message.data, **{"decryption_keys": KEYS, **message.overrides})
    assert verified.issuer == forge.IDP
    # An answer names nobody, so its last check is not reached.
    assert {check.outcome for check in verified.checks} <= {"passed", "not_reached"}


def test_there_are_as_many_as_promised_each_of_its_own_name() -> None:
    assert len(PASSING) >= 50
    assert len({message.name for message in PASSING}) == len(PASSING)
