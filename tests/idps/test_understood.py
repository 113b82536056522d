"""Both sides meet: `vestibule.saml` reads what real identity providers say, and they read what it asks.

Without a browser and a database: the journeys have those. A change on either side is noticed here first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Final

import httpx
import pytest

from tests.idps import RunningIdp, ServiceProvider, practice_idp, pysaml2_idp, samlp_idp
from tests.idps.people import PASSWORD
from tests.practice.conversation import hidden_fields
from vestibule.practice.misbehaviour import Misbehaviour, Signing
from vestibule.saml import errors, names
from vestibule.saml.expectations import Expectations
from vestibule.saml.keys import SigningKey, load_signing_key, new_signing_key
from vestibule.saml.metadata import parse_idp_metadata
from vestibule.saml.requests import build_authn_request, post_form, redirect_url
from vestibule.saml.responses import VerifiedAssertion, decode_post, verify_response
from vestibule.saml.sp_metadata import sp_metadata

SP: Final = ServiceProvider("http://127.0.0.1:7780/saml/con_1/metadata", "http://127.0.0.1:7780/saml/con_1/acs")
STRICT: Final = [lambda: pysaml2_idp(wants_signed_requests=True), lambda: samlp_idp(wants_signed_requests=True)]

REFUSALS: Final[dict[Misbehaviour, type[errors.SamlError]]] = {
    Misbehaviour.WRONG_AUDIENCE: errors.AudienceMismatch,
    Misbehaviour.WRONG_RECIPIENT: errors.RecipientMismatch,
    Misbehaviour.WRONG_DESTINATION: errors.DestinationMismatch,
    Misbehaviour.WRONG_ISSUER: errors.IssuerMismatch,
    Misbehaviour.OTHER_REQUEST: errors.InResponseToMismatch,
    Misbehaviour.NO_REQUEST: errors.Unsolicited,
    Misbehaviour.EXPIRED: errors.Expired,
    Misbehaviour.NOT_YET_VALID: errors.NotYetValid,
    Misbehaviour.UNSIGNED: errors.SignatureMissing,
    Misbehaviour.TAMPERED: errors.DigestMismatch,
    Misbehaviour.OTHER_CERTIFICATE: errors.SignatureInvalid,
    Misbehaviour.SHA1: errors.Sha1NotAllowed,
    Misbehaviour.TWO_ASSERTIONS: errors.AssertionCount,
    Misbehaviour.REPLAY: errors.InResponseToMismatch,
    Misbehaviour.AUTHN_FAILED: errors.StatusNotSuccess,
}


@pytest.fixture(scope="module")
def signing_key() -> SigningKey:
    pem, der = new_signing_key("127.0.0.1", datetime.now(UTC), 1)
    return load_signing_key(pem, der)


@pytest.fixture(scope="module", params=STRICT, ids=["pysaml2", "samlp"])
def strict_idp(request: pytest.FixtureRequest, signing_key: SigningKey) -> Iterator[RunningIdp]:
    start: Callable[[], AbstractContextManager[RunningIdp]] = request.param
    with start() as idp:
        published = sp_metadata(
            SP.entity_id,
            SP.acs_url,
            [signing_key.certificate],
            authn_requests_signed=True,
            display_name="Northwind DEV",
        )
        idp.trust_metadata(published.decode())
        yield idp


@pytest.fixture(scope="module")
def practice() -> Iterator[RunningIdp]:
    with practice_idp() as idp:
        yield idp


def _request(idp: RunningIdp, request_id: str) -> bytes:
    now = datetime.now(UTC)
    return build_authn_request(request_id, now, idp.sso_url, SP.entity_id, SP.acs_url, names.NAME_ID_EMAIL)


def _read(idp: RunningIdp, answered: httpx.Response, request_id: str) -> VerifiedAssertion:
    """Verify an answer by what the metadata said, as a connection does."""
    now = datetime.now(UTC)
    known = parse_idp_metadata(idp.metadata_xml.encode(), now=now)
    assert known.sso_redirect_url == known.sso_post_url == idp.sso_url
    expectations = Expectations(
        idp_entity_id=known.entity_id,
        certificates=known.certificates,
        acs_url=SP.acs_url,
        sp_entity_id=SP.entity_id,
        in_response_to=request_id,
        now=now,
    )
    return verify_response(decode_post(hidden_fields(answered.text)["SAMLResponse"]), expectations)


def _log_in(idp: RunningIdp, page: httpx.Response) -> httpx.Response:
    assert page.status_code == 200, page.text
    form = hidden_fields(page.text) | {"user_name": idp.people[0].email, "password": PASSWORD}
    return httpx.post(f"{idp.base_url}/sign-in", data=form, trust_env=False)


@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_a_signed_request_is_taken_and_its_answer_believed(
    strict_idp: RunningIdp, signing_key: SigningKey, binding: str
) -> None:
    # No space in it: pysaml2 encodes the query anew before it verifies, and writes a space as a plus.
    xml, relay_state = _request(strict_idp, "_q1"), "way/back?a=1&b=%20+ü"
    if binding == "redirect":
        page = httpx.get(redirect_url(strict_idp.sso_url, xml, relay_state, signing_key), trust_env=False)
    else:
        form = post_form(xml, relay_state, signing_key)
        page = httpx.post(strict_idp.sso_url, data=form, trust_env=False)
    answered = _log_in(strict_idp, page)
    person = _read(strict_idp, answered, "_q1")
    assert hidden_fields(answered.text)["RelayState"] == relay_state
    assert (person.name_id, person.name_id_format) == (strict_idp.people[0].email, names.NAME_ID_EMAIL)
    assert person.signed == "both"
    assert strict_idp.people[0].groups in person.attributes.values()


def test_the_need_for_signed_requests_is_read_from_metadata_where_it_is_said() -> None:
    with pysaml2_idp(wants_signed_requests=True) as idp:
        known = parse_idp_metadata(idp.metadata_xml.encode(), now=datetime.now(UTC))
    assert known.want_authn_requests_signed is True


def _practise(idp: RunningIdp, request_id: str, misbehaviour: Misbehaviour, signing: Signing) -> httpx.Response:
    page = httpx.get(redirect_url(idp.sso_url, _request(idp, request_id), None), trust_env=False)
    choice = {"person": idp.people[0].email, "misbehaviour": str(misbehaviour), "signing": str(signing)}
    return httpx.post(f"{idp.base_url}/answer", data=hidden_fields(page.text) | choice, trust_env=False)


@pytest.mark.parametrize("signing", Signing)
def test_the_practice_idp_is_believed_when_it_behaves(practice: RunningIdp, signing: Signing) -> None:
    person = _read(practice, _practise(practice, "_q2", Misbehaviour.NONE, signing), "_q2")
    assert person.name_id == practice.people[0].email
    assert person.signed == str(signing)
    assert person.attributes["groups"] == practice.people[0].groups


@pytest.mark.parametrize("signing", Signing)
@pytest.mark.parametrize("misbehaviour", REFUSALS, ids=str)
def test_each_misbehaviour_is_refused_for_its_own_reason(
    practice: RunningIdp, misbehaviour: Misbehaviour, signing: Signing
) -> None:
    _practise(practice, "_before", Misbehaviour.NONE, signing)  # something to replay
    answered = _practise(practice, "_q3", misbehaviour, signing)
    with pytest.raises(REFUSALS[misbehaviour]) as refused:
        _read(practice, answered, "_q3")
    assert [check.outcome for check in refused.value.checks].count("failed") == 1


def test_every_misbehaviour_is_judged_here() -> None:
    assert set(REFUSALS) == set(Misbehaviour) - {Misbehaviour.NONE}
