"""Logout messages: what counts, in both bindings, and where it ends. Hostile ones are in hostile/logouts.py."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.saml import forge
from tests.saml.forge import NOW, Raw, Signing, instant
from tests.saml.forge_encryption import encrypt
from tests.saml.forge_logout import SLO, Logout, posted, redirected, request, response
from tests.saml.verifying import expectations
from vestibule.saml import encryption_errors, errors, logout_errors
from vestibule.saml.keys import load_decryption_key, load_signing_key
from vestibule.saml.logouts import (
    LOGOUT_CHECKS,
    LogoutMessage,
    LogoutRequest,
    LogoutResponse,
    NameId,
    failed_check,
    logout_request,
    logout_response,
    verify_posted,
    verify_redirected,
)
from vestibule.saml.requests import post_form, redirect_url

BINDINGS = pytest.mark.parametrize("binding", ["post", "redirect"])
NAME_ID = f'<saml:NameID Format="{forge.EMAIL_FORMAT}">%s</saml:NameID>'


def verify(message: Logout, binding: str = "post", signing: Signing | None = None, **changes: Any) -> LogoutMessage:
    wanted = expectations(**{"acs_url": SLO, **changes})
    if binding == "redirect":
        return verify_redirected(redirected(message, signing).encode(), wanted)
    kind = "SAMLRequest" if message.tag != "LogoutResponse" else "SAMLResponse"
    return verify_posted(posted(message, signing), kind, wanted)  # type: ignore[arg-type] # one of the two


def refused(
    message: Logout,
    error: type[errors.SamlError],
    binding: str = "post",
    signing: Signing | None = None,
    **changes: Any,
) -> errors.SamlError:
    with pytest.raises(errors.SamlError) as caught:
        verify(message, binding, signing, **changes)
    return _is(caught.value, error)


def _is(found: errors.SamlError, error: type[errors.SamlError]) -> errors.SamlError:
    assert type(found) is error, f"{found!r}: {found.reason}"
    assert [check.name for check in found.checks] == [name for name, _ in LOGOUT_CHECKS]
    assert [check.name for check in found.checks if check.outcome == "failed"] == [failed_check(found)]
    return found


def refused_field(field: str, error: type[errors.SamlError], kind: Any = "SAMLRequest", **changes: Any) -> None:
    with pytest.raises(errors.SamlError) as caught:
        verify_posted(field, kind, expectations(**{"acs_url": SLO, **changes}))
    _is(caught.value, error)


@BINDINGS
def test_a_signed_request_says_whose_sessions_are_to_end(binding: str) -> None:
    verified = verify(request(session_indexes=("_a", "_b")), binding)
    assert isinstance(verified, LogoutRequest)
    assert verified.name_id == NameId("ada@example.com", forge.EMAIL_FORMAT)
    assert verified.session_indexes == ("_a", "_b")
    assert (verified.request_id, verified.issuer) == ("_logout1", forge.IDP)
    assert all(check.outcome == "passed" for check in verified.checks)


@BINDINGS
def test_a_signed_answer_says_what_became_of_ours(binding: str) -> None:
    verified = verify(response(), binding)
    assert isinstance(verified, LogoutResponse)
    assert (verified.in_response_to, verified.complete) == ("_ours1", True)


@BINDINGS
def test_a_partial_logout_is_not_complete(binding: str) -> None:
    partial = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout"
    for statuses in ((forge.SUCCESS, partial), ("urn:oasis:names:tc:SAML:2.0:status:Responder",)):
        verified = verify(response(statuses=statuses), binding)
        assert isinstance(verified, LogoutResponse)
        assert not verified.complete
        assert verified.status_text


def test_what_we_write_is_what_the_other_side_verifies() -> None:
    idp = forge.key()
    signer = load_signing_key(idp.private_pem.encode(), idp.certificate_der)
    who = NameId("a&<b>", forge.EMAIL_FORMAT, "nq", "spnq")
    written = logout_request("_ours", NOW, NOW + timedelta(minutes=5), SLO, forge.IDP, who, "_index")
    answer = logout_response("_answer", NOW, SLO, forge.IDP, "_theirs")
    wanted = expectations(acs_url=SLO)
    read = verify_posted(post_form(written, None, signer)["SAMLRequest"], "SAMLRequest", wanted)
    assert isinstance(read, LogoutRequest)
    assert (read.name_id, read.session_indexes) == (who, ("_index",))
    query = redirect_url(SLO, answer, "x" * 300, signer, kind="SAMLResponse").partition("?")[2]
    taken = verify_redirected(query.encode(), wanted)
    assert isinstance(taken, LogoutResponse)
    assert (taken.in_response_to, taken.relay_state, taken.complete) == ("_theirs", "x" * 300, True)


@BINDINGS
@pytest.mark.parametrize("message", [request(), response()], ids=["request", "response"])
def test_issuer_destination_and_version_have_to_be_ours(message: Logout, binding: str) -> None:
    refused(replace(message, issuer="https://other.example"), errors.IssuerMismatch, binding)
    refused(replace(message, issuer=None), errors.IssuerMissing, binding)
    refused(replace(message, destination=forge.ACS), errors.DestinationMismatch, binding)
    refused(replace(message, destination=SLO + "/"), errors.DestinationMismatch, binding)
    refused(replace(message, destination=None), errors.DestinationMissing, binding)
    refused(replace(message, version="1.1"), errors.VersionUnsupported, binding)


@BINDINGS
def test_a_request_expires_at_its_instant_with_the_skew_allowed(binding: str) -> None:
    def until(seconds: int) -> Logout:
        return request(not_on_or_after=instant(NOW + timedelta(seconds=seconds)))

    assert verify(until(-119), binding).checks
    refused(until(-120), logout_errors.LogoutExpired, binding)
    assert verify(request(not_on_or_after=None), binding).checks
    refused(request(not_on_or_after="2026-11-23T14:18:07"), errors.InvalidTime, binding)


@BINDINGS
@pytest.mark.parametrize("message", [request(), response()], ids=["request", "response"])
def test_an_issue_instant_is_within_a_day_and_the_skew(message: Logout, binding: str) -> None:
    def issued(delta: timedelta) -> Logout:
        return replace(message, issue_instant=instant(NOW + delta))

    assert verify(issued(timedelta(seconds=120)), binding).checks
    refused(issued(timedelta(seconds=121)), errors.IssuedInFuture, binding)
    assert verify(issued(-timedelta(days=1)), binding).checks
    refused(issued(-timedelta(days=1, seconds=1)), errors.IssuedLongAgo, binding)


def test_extensions_of_others_and_a_reason_are_passed_over() -> None:
    friendly = request(
        extensions='<samlp:Extensions><x:a xmlns:x="urn:x">1</x:a></samlp:Extensions>', attributes=' Reason="urn:x"'
    )
    assert verify(friendly).checks


def test_a_field_that_is_not_base64_or_too_long_is_refused() -> None:
    refused_field("<xml>", errors.NotBase64)
    refused_field("A" * 400_000, errors.TooLarge)


@BINDINGS
def test_an_encrypted_name_is_opened_where_there_is_a_key(binding: str) -> None:
    sp = forge.key("sp")
    inner = f'<saml:NameID xmlns:saml="{forge.SAML}" Format="{forge.EMAIL_FORMAT}">ada@example.com</saml:NameID>'
    message = request(name_id=Raw(encrypt(inner, name="EncryptedID")))
    keys = (load_decryption_key(sp.private_pem.encode(), sp.certificate_der),)
    verified = verify(message, binding, decryption_keys=keys)
    assert isinstance(verified, LogoutRequest)
    assert verified.name_id == NameId("ada@example.com", forge.EMAIL_FORMAT)
    refused(message, errors.EncryptedNotSupported, binding)


@BINDINGS
def test_an_encrypted_name_is_opened_under_a_verified_signature_only(binding: str) -> None:
    sp = forge.key("sp")
    message = request(name_id=Raw(encrypt("<not-a-name/>", name="EncryptedID")))
    keys = (load_decryption_key(sp.private_pem.encode(), sp.certificate_der),)
    refused(message, errors.SignatureInvalid, binding, Signing(key=forge.key("evil")), decryption_keys=keys)
    refused(message, errors.SubjectInvalid, binding, decryption_keys=keys)
    broken = request(name_id=Raw(encrypt("no xml", name="EncryptedID")))
    refused(broken, encryption_errors.DecryptionFailed, binding, decryption_keys=keys)


def test_relay_state_of_a_form_is_handed_on_as_unsigned() -> None:
    verified = verify_posted(posted(request()), "SAMLRequest", expectations(acs_url=SLO), "state")
    assert verified.relay_state == "state"
