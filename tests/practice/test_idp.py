"""The practice identity provider's doors: what it reads, whom it answers, and what it sends along."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import httpx
import pytest
from cryptography import x509
from lxml import etree

from tests.practice.conversation import (
    ACS,
    NAMES,
    NOW,
    SP,
    answer_form,
    authn_request,
    deflated,
    hidden_fields,
    serving,
)
from vestibule.practice.errors import NotLoopback
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.misbehaviour import LABELS, Misbehaviour
from vestibule.practice.people import PEOPLE


def _encoded(xml: bytes) -> str:
    return base64.b64encode(xml).decode()


def test_the_metadata_names_the_entity_both_bindings_and_the_certificate(
    client: httpx.Client, idp: PracticeIdp
) -> None:
    answered = client.get("/metadata")
    assert answered.headers["content-type"].startswith("application/samlmetadata+xml")
    root = etree.fromstring(answered.content)
    assert root.get("entityID") == idp.entity_id
    services = root.findall(".//md:SingleSignOnService", NAMES)
    assert [(one.get("Binding", "").rpartition(":")[2], one.get("Location")) for one in services] == [
        ("HTTP-Redirect", idp.sso_url),
        ("HTTP-POST", idp.sso_url),
    ]
    der = base64.b64decode(root.findtext(".//ds:X509Certificate", "", NAMES))
    assert x509.load_der_x509_certificate(der) == x509.load_pem_x509_certificate(idp.certificate_pem.encode())


def test_a_request_by_redirect_and_the_same_by_post_lead_to_the_same_page(client: httpx.Client) -> None:
    by_redirect = client.get("/sso", params={"SAMLRequest": deflated(authn_request()), "RelayState": "r&s"})
    by_post = client.post("/sso", data={"SAMLRequest": _encoded(authn_request()), "RelayState": "r&s"})
    assert by_redirect.text == by_post.text
    assert hidden_fields(by_post.text) == {
        "request_id": "_r1",
        "sp_entity_id": SP,
        "acs_url": ACS,
        "relay_state": "r&s",
    }


def test_the_page_offers_everybody_and_every_switch(client: httpx.Client, idp: PracticeIdp) -> None:
    page = client.get("/sso", params={"SAMLRequest": deflated(authn_request())}).text
    assert len(idp.people) == 4
    assert all(person.name in page and person.email in page for person in idp.people)
    assert all(f'value="{misbehaviour}">{label}<' in page for misbehaviour, label in LABELS.items())


def test_the_answer_goes_back_with_its_relay_state_and_sends_itself(client: httpx.Client) -> None:
    page = answer_form(client)
    assert f'<form action="{ACS}" method="post" data-sends-itself>' in page
    assert hidden_fields(page)["RelayState"] == "tab-1"
    assert ">Continue</button>" in page


def test_an_answer_that_is_to_be_read_first_does_not_send_itself(client: httpx.Client) -> None:
    page = answer_form(client, stops="yes")
    assert "data-sends-itself" not in page
    assert "<script" not in page
    assert "&lt;saml:NameID" in page


def test_markup_in_a_relay_state_stays_text(client: httpx.Client) -> None:
    relay_state = '"><script>alert(1)</script>'
    page = client.get("/sso", params={"SAMLRequest": deflated(authn_request()), "RelayState": relay_state}).text
    assert "<script>alert" not in page
    assert hidden_fields(page)["relay_state"] == relay_state


@pytest.mark.parametrize(
    "acs_url",
    [
        "https://sso.example/acs",
        "http://127.0.0.1.sso.example/acs",
        "http://127.0.0.1@sso.example/acs",
        "http://sso.example\\@127.0.0.1/acs",
        "http://10.0.0.1/acs",
        "http://[::ffff:10.0.0.1]/acs",
        "javascript:alert(1)",
        "//127.0.0.1/acs",
        "http://127.0.0.1:x/acs",
        "http://127.0.0.1/acs#part",
    ],
)
def test_it_signs_for_no_other_machine(client: httpx.Client, acs_url: str) -> None:
    asked = client.get("/sso", params={"SAMLRequest": deflated(authn_request(acs_url=acs_url))})
    forged_form = {"acs_url": acs_url, "person": PEOPLE[0].email, "misbehaviour": "none", "signing": "both"}
    answered = client.post("/answer", data=forged_form)
    started = client.get("/start", params={"acs_url": acs_url, "entity_id": SP})
    for refused in (asked, answered, started):
        assert refused.status_code == 403
        assert "answers only to this machine" in refused.text
        assert "SAMLResponse" not in refused.text


@pytest.mark.parametrize(
    "saml_request",
    [
        "",
        "%%%",
        _encoded(b"not deflate"),
        deflated(b"not xml"),
        deflated(b"<AuthnRequest/>"),
        deflated(b"<!DOCTYPE r [<!ENTITY e 'x'>]>" + authn_request()),
        deflated(authn_request().replace(b"_r1", b"")),
        deflated(authn_request(issuer=" ")),
        deflated(b"<a>" + b" " * 10_000_000 + b"</a>"),
        deflated(authn_request())[:-8],
    ],
    ids=["empty", "no-base64", "no-deflate", "no-xml", "no-namespace", "doctype", "no-id", "no-issuer", "bomb", "cut"],
)
def test_a_request_that_cannot_be_used_is_refused_with_a_sentence(client: httpx.Client, saml_request: str) -> None:
    refused = client.get("/sso", params={"SAMLRequest": saml_request})
    assert refused.status_code == 400
    assert "Not this way" in refused.text


def test_an_external_entity_in_a_posted_request_is_not_read(client: httpx.Client) -> None:
    xml = b"<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/hostname'>]>" + authn_request(issuer="&e;")
    assert client.post("/sso", data={"SAMLRequest": _encoded(xml)}).status_code == 400


@pytest.mark.parametrize("wrong", [{"person": "eve@practice.example"}, {"signing": "none"}, {"misbehaviour": "x"}])
def test_a_choice_that_is_not_on_the_page_is_refused(client: httpx.Client, wrong: dict[str, str]) -> None:
    form = {"acs_url": ACS, "person": PEOPLE[0].email, "misbehaviour": "none", "signing": "both"}
    assert client.post("/answer", data=form | wrong).status_code == 400


def test_there_is_nothing_to_replay_at_first() -> None:
    form = {"acs_url": ACS, "person": PEOPLE[0].email, "misbehaviour": str(Misbehaviour.REPLAY), "signing": "both"}
    with serving(lambda: NOW) as fresh:
        refused = fresh.client.post("/answer", data=form)
    assert refused.status_code == 400
    assert "no earlier response" in refused.text


def test_a_sign_in_started_here_answers_no_request(client: httpx.Client) -> None:
    page = client.get("/start", params={"acs_url": ACS, "entity_id": SP})
    fields = hidden_fields(page.text)
    assert (fields["request_id"], fields["acs_url"]) == ("", ACS)
    choice = {"person": PEOPLE[0].email, "misbehaviour": "none", "signing": "both"}
    sent = hidden_fields(client.post("/answer", data=fields | choice).text)
    assert b"InResponseTo" not in base64.b64decode(sent["SAMLResponse"])


def test_every_page_forbids_all_but_its_own_files_and_its_one_form_target(client: httpx.Client) -> None:
    pages = {
        "'self'": client.get("/"),
        "http://127.0.0.1:7780": client.post(
            "/answer", data={"acs_url": ACS, "person": PEOPLE[0].email, "misbehaviour": "none", "signing": "both"}
        ),
    }
    for target, page in pages.items():
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none';")
        assert f"form-action {target};" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert " style=" not in page.text
        assert " onload=" not in page.text


def test_a_name_rebound_to_this_machine_reads_nothing(client: httpx.Client) -> None:
    assert client.get("/metadata", headers={"host": "rebound.example"}).status_code == 400


def test_an_oversized_body_is_refused(client: httpx.Client) -> None:
    assert client.post("/sso", data={"SAMLRequest": "A" * 300_000}).status_code == 413


@pytest.mark.parametrize("base_url", ["https://sso.example", "http://0.0.0.0:80", "http://192.0.2.1", ""])
def test_it_refuses_to_exist_on_an_address_that_others_can_reach(base_url: str) -> None:
    with pytest.raises(NotLoopback):
        PracticeIdp(base_url, PEOPLE, lambda: datetime.now(UTC))


def test_two_of_them_share_no_key() -> None:
    first, second = (PracticeIdp("http://127.0.0.1:1", PEOPLE, lambda: datetime.now(UTC)) for _ in range(2))
    assert first.certificate_pem != second.certificate_pem
