"""Assertions that the practice identity provider encrypts: opened with a key of the test's own, judged by signxml and by us."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Final

import httpx
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
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
    verified,
)
from tests.support.loopback import serving
from vestibule.practice.encrypting import fetch_key
from vestibule.practice.errors import NoEncryptionCertificate
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.keys import KeyPair, make_key_pair
from vestibule.practice.misbehaviour import Misbehaviour, Signing

OURS: Final = make_key_pair("a service provider", NOW)
ENCRYPTED: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}EncryptedAssertion"
XENC: Final = {"xenc": "http://www.w3.org/2001/04/xmlenc#"}


def metadata(key: KeyPair = OURS, use: str = ' use="encryption"', certificate: str | None = None) -> bytes:
    other = make_key_pair("signing", NOW).certificate_base64
    written = key.certificate_base64 if certificate is None else certificate
    descriptors = "".join(
        f'<md:KeyDescriptor{which}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data>'
        f"<ds:X509Certificate>{one}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        for which, one in ((' use="signing"', other), (use, written))
    )
    return (
        f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{SP}">'
        f"<md:SPSSODescriptor>{descriptors}</md:SPSSODescriptor></md:EntityDescriptor>"
    ).encode()


@dataclass
class Shown:
    """What a service provider shows at its metadata URL."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    asked: int = 0


@contextmanager
def showing() -> Iterator[Shown]:
    shown = Shown()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shown.asked += 1
            self.send_response(shown.status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(shown.body)))
            self.end_headers()
            self.wfile.write(shown.body)

    with serving(Handler) as origin:
        shown.url = f"{origin}/metadata"
        yield shown


@pytest.fixture
def shown() -> Iterator[Shown]:
    with showing() as running:
        running.body = metadata()
        yield running


def asked_of(client: httpx.Client, sp_entity_id: str, **choice: str) -> httpx.Response:
    """Ask for a sign-in as that service provider, with the switch set, and return the page that posts the answer."""
    return asked_from(client, {"Origin": own_origin(client)}, sp_entity_id, **choice)


def asked_from(client: httpx.Client, headers: Mapping[str, str], sp_entity_id: str, **choice: str) -> httpx.Response:
    """Do the same from a page that sends these headers."""
    query = {"SAMLRequest": deflated(authn_request(issuer=sp_entity_id))}
    fields = hidden_fields(client.get("/sso", params=query).text)
    chosen = {"person": "ada@practice.example", "misbehaviour": "none", "signing": "both", "encrypts": "yes", **choice}
    return client.post("/answer", data=fields | chosen, headers=headers)


def own_origin(client: httpx.Client) -> str:
    """Return what a browser says of our own page."""
    return f"{client.base_url.scheme}://{client.base_url.netloc.decode()}"


def encrypted_answer(client: httpx.Client, shown: Shown, **choice: str) -> bytes:
    sent = asked_of(client, shown.url, **choice)
    assert sent.status_code == 200, sent.text
    return base64.b64decode(hidden_fields(sent.text)["SAMLResponse"])


def opened(document: bytes) -> list[bytes]:
    """Return what is in each EncryptedAssertion. Raises InvalidTag where somebody changed it."""
    found = []
    for one in etree.fromstring(document).iterfind(ENCRYPTED):
        wrapped, data = (base64.b64decode(value.text or "") for value in one.iterfind(".//xenc:CipherValue", XENC))
        secret = OURS.private_key.decrypt(wrapped, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
        assert len(secret) == 32
        found.append(AESGCM(secret).decrypt(data[:12], data[12:], None))
    return found


@pytest.mark.parametrize("signing", list(Signing))
def test_nobody_else_reads_the_assertion_and_each_signature_holds_where_it_was_made(
    client: httpx.Client, idp: PracticeIdp, shown: Shown, signing: Signing
) -> None:
    document = encrypted_answer(client, shown, signing=signing)
    assert b"ada@practice.example" not in document
    assert etree.fromstring(document).find("saml:Assertion", NAMES) is None
    (assertion,) = opened(document)
    assert b"ada@practice.example" in assertion
    if signing is not Signing.ASSERTION:
        assert b"CipherValue" in etree.tostring(verified(document, idp.certificate_pem, "Response"))
    signed = etree.fromstring(assertion).find("ds:Signature", NAMES) is not None
    assert signed is (signing is not Signing.RESPONSE)
    if signed:
        holder = b"<Response>" + assertion + b"</Response>"
        assert verified(holder, idp.certificate_pem, "Assertion").get("ID")


def test_without_the_switch_nothing_is_encrypted_and_nobody_is_asked_for_metadata(client: httpx.Client) -> None:
    assert b"ada@practice.example" in base64.b64decode(hidden_fields(answer_form(client))["SAMLResponse"])


def test_two_assertions_are_encrypted_each_by_a_key_of_its_own(client: httpx.Client, shown: Shown) -> None:
    document = encrypted_answer(client, shown, misbehaviour=Misbehaviour.TWO_ASSERTIONS)
    assert len(set(opened(document))) == 2
    values = [one.text for one in etree.fromstring(document).iterfind(".//xenc:CipherValue", XENC)]
    assert len(set(values)) == 4


def test_who_tampers_with_what_is_encrypted_only_damages_it(client: httpx.Client, shown: Shown) -> None:
    document = encrypted_answer(client, shown, misbehaviour=Misbehaviour.TAMPERED, signing=Signing.ASSERTION)
    with pytest.raises(InvalidTag):
        opened(document)


def test_a_failed_authentication_has_nothing_to_encrypt(client: httpx.Client, shown: Shown) -> None:
    document = encrypted_answer(client, shown, misbehaviour=Misbehaviour.AUTHN_FAILED)
    assert opened(document) == []
    assert b"AuthnFailed" in document


def test_a_key_without_a_use_is_for_encryption_too(client: httpx.Client, shown: Shown) -> None:
    shown.body = metadata(use="")
    assert len(opened(encrypted_answer(client, shown))) == 1


UNUSABLE: Final[Mapping[str, tuple[int, bytes]]] = {
    "no key for encryption": (200, metadata(use=' use="signing"')),
    "no certificate": (200, metadata(certificate="")),
    "a certificate that is none": (200, metadata(certificate="AAAA")),
    "no base64": (200, metadata(certificate="ä")),
    "no XML": (200, b"hello"),
    "nothing": (200, b""),
    "a DTD": (200, b'<!DOCTYPE x [<!ENTITY a "b">]>' + metadata()),
    "far too much": (200, metadata() + b" " * 300_000),
    "not found": (404, metadata()),
    "elsewhere": (302, metadata()),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_metadata_without_a_usable_certificate_is_a_refusal_with_a_sentence(
    client: httpx.Client, shown: Shown, name: str
) -> None:
    shown.status, shown.body = UNUSABLE[name]
    refused = asked_of(client, shown.url)
    assert refused.status_code == 400
    assert "There is no certificate to encrypt for" in refused.text


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://sp.example/metadata", "not on this machine"),
        ("http://192.0.2.1/metadata", "not on this machine"),
        ("http://localhost/é", "not on this machine"),
        ("urn:example:sp", "not on this machine"),
        ("file:///etc/hosts", "not on this machine"),
        ("http://127.0.0.1:1/metadata", "ConnectError"),
    ],
)
def test_metadata_is_read_on_this_machine_only_and_where_somebody_answers(
    client: httpx.Client, url: str, reason: str
) -> None:
    with pytest.raises(NoEncryptionCertificate) as refused:
        fetch_key(url)
    assert reason in refused.value.reason
    assert asked_of(client, url).status_code == 400
    assert ACS in client.get("/sso", params={"SAMLRequest": deflated(authn_request(issuer=url))}).text


@pytest.mark.parametrize("origin", [None, "null", "https://elsewhere.example"])
def test_no_page_of_another_site_has_metadata_read(client: httpx.Client, shown: Shown, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    assert asked_from(client, headers, shown.url).status_code == 403
    assert shown.asked == 0
