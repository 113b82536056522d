"""Logout at the practice identity provider, against what really verifies it: answers and requests, good ones and wrong ones."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import httpx
import pytest

from tests.saml import forge
from tests.support.loops import run
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.people import PEOPLE
from vestibule.saml.certificates import parse_certificates
from vestibule.saml.errors import SamlError, SignatureInvalid, SignatureMissing
from vestibule.saml.expectations import Expectations
from vestibule.saml.keys import SigningKey, load_signing_key
from vestibule.saml.logouts import (
    LogoutMessage,
    LogoutRequest,
    LogoutResponse,
    NameId,
    logout_request,
    logout_response,
    verify_posted,
    verify_redirected,
)
from vestibule.saml.metadata import parse_idp_metadata
from vestibule.saml.redirect_errors import RedirectUnsigned
from vestibule.saml.requests import post_form, redirect_url

NOW = datetime(2026, 11, 23, 14, 18, 7, tzinfo=UTC)
BASE = "http://127.0.0.1:8099"
SP = "http://127.0.0.1:8080/saml/con_1/metadata"
SLO = "http://127.0.0.1:8080/saml/con_1/slo"
BINDINGS = pytest.mark.parametrize("binding", ["post", "redirect"])


@pytest.fixture
def idp() -> PracticeIdp:
    return PracticeIdp(BASE, PEOPLE, lambda: NOW)


def signer() -> SigningKey:
    sp = forge.key("sp")
    return load_signing_key(sp.private_pem.encode(), sp.certificate_der)


def ask(idp: PracticeIdp, method: str, path: str, data: dict[str, str] | None = None) -> httpx.Response:
    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=idp.app)
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as client:
            return await client.request(method, path, data=data)

    return run(asked())


def hidden(page: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page)}


def verified(idp: PracticeIdp, page: str, kind: Any) -> LogoutMessage:
    expectations = Expectations(
        idp_entity_id=idp.entity_id,
        certificates=tuple(parse_certificates(idp.certificate_pem)),
        acs_url=SLO,
        sp_entity_id=SP,
        in_response_to=None,
        now=NOW,
    )
    fields = hidden(page)
    if fields:
        return verify_posted(fields[kind], kind, expectations, fields.get("RelayState"))
    url = re.search(r'content="0;url=([^"]+)"', page)
    assert url is not None, page
    return verify_redirected(unescape(url.group(1)).partition("?")[2].encode(), expectations)


def answered(idp: PracticeIdp, binding: str, misbehaviour: str = "none") -> str:
    name = NameId(PEOPLE[0].email, forge.EMAIL_FORMAT)
    asked = logout_request("_ours", NOW, NOW + timedelta(minutes=5), idp.slo_url, SP, name, None)
    if binding == "post":
        page = ask(idp, "POST", "/slo", post_form(asked, "state", signer()))
    else:
        page = ask(idp, "GET", redirect_url(idp.slo_url, asked, "state", signer()))
    assert page.status_code == 200, page.text
    assert PEOPLE[0].email in page.text
    return ask(idp, "POST", "/sign-out/answer", {**hidden(page.text), "misbehaviour": misbehaviour}).text


def started(idp: PracticeIdp, binding: str, misbehaviour: str = "none") -> str:
    form = {"person": PEOPLE[0].email, "entity_id": SP, "binding": binding, "misbehaviour": misbehaviour}
    return ask(idp, "POST", "/sign-out", form).text


def test_the_metadata_offers_logout_by_both_bindings(idp: PracticeIdp) -> None:
    found = parse_idp_metadata(idp.metadata_xml.encode(), now=NOW)
    assert found.slo_redirect_url == found.slo_post_url == idp.slo_url


@BINDINGS
def test_a_request_is_answered_by_its_binding(idp: PracticeIdp, binding: str) -> None:
    answer = verified(idp, answered(idp, binding), "SAMLResponse")
    assert isinstance(answer, LogoutResponse)
    assert (answer.in_response_to, answer.complete, answer.relay_state) == ("_ours", True, "state")


@BINDINGS
def test_the_switches_make_answers_that_are_partial_unsigned_foreign_or_none(idp: PracticeIdp, binding: str) -> None:
    partial = verified(idp, answered(idp, binding, "partial"), "SAMLResponse")
    assert isinstance(partial, LogoutResponse)
    assert partial.status_text == "Responder / PartialLogout"
    unsigned: type[SamlError] = RedirectUnsigned if binding == "redirect" else SignatureMissing
    for misbehaviour, error in (("unsigned", unsigned), ("other-certificate", SignatureInvalid)):
        with pytest.raises(error):
            verified(idp, answered(idp, binding, misbehaviour), "SAMLResponse")
        with pytest.raises(error):
            verified(idp, started(idp, binding, misbehaviour), "SAMLRequest")
    assert "gets no message" in answered(idp, binding, "silent")


@BINDINGS
def test_somebody_is_signed_out_from_the_home_page(idp: PracticeIdp, binding: str) -> None:
    assert "Sign somebody out here" in ask(idp, "GET", "/").text
    asked = verified(idp, started(idp, binding), "SAMLRequest")
    assert isinstance(asked, LogoutRequest)
    assert asked.name_id == NameId(PEOPLE[0].email, forge.EMAIL_FORMAT)
    back = logout_response("_theirs", NOW, idp.slo_url, SP, asked.request_id)
    fields = post_form(back, None, signer(), kind="SAMLResponse")
    assert "answered: Success" in ask(idp, "POST", "/slo", fields).text


def test_messages_go_to_this_machine_only(idp: PracticeIdp) -> None:
    form = {"person": PEOPLE[0].email, "entity_id": "https://far.example/metadata", "binding": "post"}
    assert ask(idp, "POST", "/sign-out", form).status_code == 403
    assert ask(idp, "POST", "/slo", {"SAMLRequest": "!"}).status_code == 400
    assert ask(idp, "POST", "/sign-out", {**form, "misbehaviour": "unheard of"}).status_code == 400
