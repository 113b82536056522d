"""What an admin is told after a refused logout message: every check and every error has an answer."""

from __future__ import annotations

import pytest

from vestibule.directory.mending_logout import LOGOUT_RULES, mend_logout, mend_sign_out
from vestibule.directory.refusals import LOGOUT_DOOR_CHECKS, OwnKeyUnreadable
from vestibule.saml import logout_errors, redirect_errors
from vestibule.saml.errors import SamlError
from vestibule.saml.logouts import LOGOUT_CHECKS

VALUES = {"slo_url": "https://sso.example/saml/con_1/slo"}


@pytest.mark.parametrize("check", [name for name, _ in (*LOGOUT_CHECKS, *LOGOUT_DOOR_CHECKS)])
def test_every_check_has_a_rule_of_its_own(check: str) -> None:
    assert check in LOGOUT_RULES
    assert mend_logout(check, "", "okta", VALUES).message == LOGOUT_RULES[check].message


def test_the_address_to_copy_is_offered_only_where_it_is_wrong() -> None:
    assert mend_logout("destination", "saml_destination", "okta", VALUES).value_to_copy == VALUES["slo_url"]
    assert mend_logout("destination", "saml_destination", "okta", {}).value_to_copy is None
    assert mend_logout("signature", "saml_signature", "okta", VALUES).value_to_copy is None


@pytest.mark.parametrize("module", [logout_errors, redirect_errors])
def test_every_reason_leads_to_an_answer(module: object) -> None:
    reasons = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, SamlError)]
    assert reasons
    for reason in reasons:
        assert mend_logout(reason.check, reason.code, "generic", VALUES).message


def test_what_is_not_signed_is_said_so_whatever_is_missing() -> None:
    for code in ("saml_unsigned", "saml_redirect_unsigned", "saml_redirect_signature_empty", "saml_sigalg_missing"):
        assert mend_logout("signature", code, "generic", VALUES).situation == "logout_unsigned"
    assert mend_logout("signature", "saml_sha1", "okta", VALUES).title_text() == "What to change in Okta"


def test_a_key_of_ours_that_does_not_open_is_told_otherwise_for_what_we_send_than_for_what_arrives() -> None:
    check, code = OwnKeyUnreadable.check, OwnKeyUnreadable.code
    arrived, sent = (one(check, code, "okta", VALUES) for one in (mend_logout, mend_sign_out))
    assert (arrived.side, sent.side) == ("here", "here")
    for mended in (arrived, sent):
        assert "vestibule doctor" in [part.text for part in mended.parts() if part.bold]
        assert mended.value_to_copy is None
    assert "signed out here" in sent.message
    assert "signed out here" not in arrived.message
