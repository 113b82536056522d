"""What a browser and a service provider say to the practice identity provider; its signatures are judged by signxml."""

from __future__ import annotations

import base64
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import quoteattr

import httpx
from lxml import etree, html
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from vestibule.kernel.clock import Clock
from vestibule.practice.idp import PracticeIdp
from vestibule.practice.misbehaviour import Misbehaviour, Signing
from vestibule.practice.people import PEOPLE
from vestibule.practice.server import base_url_of, listen_on_loopback, practice_server

NOW: Final = datetime.now(UTC).replace(microsecond=0)

ACS: Final = "http://127.0.0.1:7780/saml/con_1/acs"
SP: Final = "http://127.0.0.1:7780/saml/con_1/metadata"
NAMES: Final = {
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A practice identity provider that listens, and a client with its address as base."""

    idp: PracticeIdp
    client: httpx.Client


@contextmanager
def serving(clock: Clock) -> Iterator[Served]:
    with listen_on_loopback() as listener:
        idp = PracticeIdp(base_url_of(listener), PEOPLE, clock)
        server = practice_server(idp.app, listener)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started and thread.is_alive():
                time.sleep(0.01)
            with httpx.Client(base_url=idp.base_url, trust_env=False) as client:
                yield Served(idp, client)
        finally:
            server.should_exit = True
            thread.join()


def authn_request(*, request_id: str = "_r1", acs_url: str = ACS, issuer: str = SP) -> bytes:
    return (
        '<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Version="2.0"'
        f' ID="{request_id}" IssueInstant="2026-11-23T12:00:00Z" AssertionConsumerServiceURL={quoteattr(acs_url)}>'
        f'<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{issuer}</saml:Issuer></samlp:AuthnRequest>'
    ).encode()


def deflated(xml: bytes) -> str:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(deflater.compress(xml) + deflater.flush()).decode()


def hidden_fields(page: str) -> dict[str, str]:
    fields = html.fromstring(page).iterfind(".//input[@type='hidden']")
    return {field.get("name", ""): field.get("value", "") for field in fields}


def answer_form(
    client: httpx.Client,
    *,
    person: str = "ada@practice.example",
    misbehaviour: Misbehaviour = Misbehaviour.NONE,
    signing: Signing = Signing.BOTH,
    acs_url: str = ACS,
    **more: str,
) -> str:
    """Ask for a sign-in by Redirect, choose on the page, and return the page that posts the answer."""
    query = {"SAMLRequest": deflated(authn_request(acs_url=acs_url)), "RelayState": "tab-1"}
    page = client.get("/sso", params=query)
    assert page.status_code == 200, page.text
    choice = {"person": person, "misbehaviour": str(misbehaviour), "signing": str(signing), **more}
    sent = client.post("/answer", data=hidden_fields(page.text) | choice)
    assert sent.status_code == 200, sent.text
    return sent.text


def answer(
    client: httpx.Client,
    *,
    person: str = "ada@practice.example",
    misbehaviour: Misbehaviour = Misbehaviour.NONE,
    signing: Signing = Signing.BOTH,
    acs_url: str = ACS,
) -> bytes:
    """Return the response that the browser would post."""
    page = answer_form(client, person=person, misbehaviour=misbehaviour, signing=signing, acs_url=acs_url)
    return base64.b64decode(hidden_fields(page)["SAMLResponse"])


def values(document: bytes, path: str) -> list[str]:
    """Return what an XPath that ends in text() or an attribute finds in the response."""
    found = etree.fromstring(document).xpath(path, namespaces=NAMES)
    assert isinstance(found, list)
    return [str(one) for one in found]


def verified(document: bytes, certificate_pem: str, element: str, *, sha1: bool = False) -> etree._Element:
    """Return what signxml says is signed in `element` ("Response" or "Assertion"). Raises signxml's errors."""
    parsed = etree.fromstring(document)
    node = parsed if element == "Response" else parsed.find("saml:Assertion", NAMES)
    assert node is not None
    allowed = SignatureConfiguration(
        location="./",
        signature_methods=frozenset({SignatureMethod.RSA_SHA1 if sha1 else SignatureMethod.RSA_SHA256}),
        digest_algorithms=frozenset({DigestAlgorithm.SHA1 if sha1 else DigestAlgorithm.SHA256}),
    )
    result = XMLVerifier().verify(node, x509_cert=certificate_pem, expect_config=allowed)
    assert not isinstance(result, list)
    assert isinstance(result.signed_xml, etree._Element)
    return result.signed_xml
