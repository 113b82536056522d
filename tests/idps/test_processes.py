"""The identity providers that the journeys rely on, each asked over HTTP, their signatures judged by signxml."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final
from urllib.parse import parse_qs, quote, urlencode

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree
from playwright.sync_api import Page

from tests.idps import RunningIdp, ServiceProvider, misbehave, practice_idp, pysaml2_idp, samlp_idp
from tests.idps.people import PASSWORD
from tests.idps.processes import NameIdFormat
from tests.practice.conversation import NAMES, authn_request, deflated, hidden_fields, values, verified
from vestibule.practice.keys import KeyPair, make_key_pair
from vestibule.practice.signing import sign_element

SP: Final = ServiceProvider("http://127.0.0.1:7780/saml/con_1/metadata", "http://127.0.0.1:7780/saml/con_1/acs")
OTHER_SP: Final = ServiceProvider("http://127.0.0.1:7780/saml/con_2/metadata", "http://127.0.0.1:7780/saml/con_2/acs")
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SIGNED: Final = {"both": {"Response", "Assertion"}, "assertion": {"Assertion"}, "response": {"Response"}}
THIRD_PARTIES: Final = [(kind, signs) for kind in ("pysaml2", "samlp") for signs in ("both", "assertion", "response")]


class Started:
    """Starts each kind once, when first asked for, as a start costs seconds."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._running: dict[tuple[str, ...], RunningIdp] = {}

    def get(self, kind: str, signs: str = "both") -> RunningIdp:
        if (kind, signs) not in self._running:
            kinds: dict[tuple[str, str], Callable[[], AbstractContextManager[RunningIdp]]] = {
                ("practice", "both"): practice_idp,
                ("pysaml2", "both"): pysaml2_idp,
                ("pysaml2", "assertion"): lambda: pysaml2_idp(signs="assertion"),
                ("pysaml2", "response"): lambda: pysaml2_idp(signs="response"),
                ("pysaml2", "strict"): lambda: pysaml2_idp(wants_signed_requests=True),
                ("samlp", "both"): samlp_idp,
                ("samlp", "assertion"): lambda: samlp_idp(signs="assertion"),
                ("samlp", "response"): lambda: samlp_idp(signs="response"),
                ("samlp", "strict"): lambda: samlp_idp(wants_signed_requests=True),
            }
            self._running[kind, signs] = self._stack.enter_context(kinds[kind, signs]())
        return self._running[kind, signs]


@pytest.fixture(scope="module")
def started() -> Iterator[Started]:
    with ExitStack() as stack:
        yield Started(stack)


@pytest.fixture(scope="module")
def sp_key() -> KeyPair:
    return make_key_pair("service provider", datetime.now(UTC))


def _ask(idp: RunningIdp, *, provider: ServiceProvider = SP, post: bool = False) -> httpx.Response:
    xml = authn_request(acs_url=provider.acs_url, issuer=provider.entity_id)
    if post:
        return _post_request(idp, xml)
    return httpx.get(idp.sso_url, params={"SAMLRequest": deflated(xml), "RelayState": "tab & 1"}, trust_env=False)


def _post_request(idp: RunningIdp, xml: bytes) -> httpx.Response:
    fields = {"SAMLRequest": base64.b64encode(xml).decode(), "RelayState": "tab & 1"}
    return httpx.post(idp.sso_url, data=fields, trust_env=False)


def _signed_query(key: KeyPair, xml: bytes, *, relay_state: str = "tab-1") -> str:
    query = "&".join(
        f"{name}={quote(value, safe='')}"
        for name, value in {"SAMLRequest": deflated(xml), "RelayState": relay_state, "SigAlg": RSA_SHA256}.items()
    )
    signature = key.private_key.sign(query.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{query}&{urlencode({'Signature': base64.b64encode(signature).decode()})}"


def _log_in(idp: RunningIdp, page: httpx.Response, *, password: str = PASSWORD) -> httpx.Response:
    assert page.status_code == 200, page.text
    form = hidden_fields(page.text) | {"user_name": idp.people[1].email, "password": password}
    return httpx.post(f"{idp.base_url}/sign-in", data=form, trust_env=False)


def _sent(answered: httpx.Response) -> bytes:
    assert answered.status_code == 200, answered.text
    return base64.b64decode(hidden_fields(answered.text)["SAMLResponse"])


@pytest.mark.parametrize("kind", ["practice", "pysaml2", "samlp"])
def test_the_metadata_says_the_values_that_an_admin_would_type_by_hand(started: Started, kind: str) -> None:
    idp = started.get(kind)
    root = etree.fromstring(idp.metadata_xml.encode())
    assert root.get("entityID") == idp.entity_id
    services = root.findall(".//md:SingleSignOnService", NAMES)
    assert {one.get("Binding", "").rpartition(":")[2]: one.get("Location") for one in services} == {
        "HTTP-Redirect": idp.sso_url,
        "HTTP-POST": idp.sso_url,
    }


@pytest.mark.parametrize(("kind", "signs"), THIRD_PARTIES)
@pytest.mark.parametrize("post", [False, True], ids=["redirect", "post"])
def test_a_request_is_answered_signed_where_it_was_asked_for(
    started: Started, kind: str, signs: str, post: bool
) -> None:
    idp = started.get(kind, signs)
    idp.trust(SP)
    answered = _log_in(idp, _ask(idp, post=post))
    document = _sent(answered)
    assert hidden_fields(answered.text)["RelayState"] == "tab & 1"
    assert f'action="{SP.acs_url}"' in answered.text
    assert len(values(document, "//ds:SignatureValue/text()")) == len(SIGNED[signs])
    for element in SIGNED[signs]:
        proven = verified(document, idp.certificate_pem, element)
        assert proven.findtext(".//saml:NameID", namespaces=NAMES) == idp.people[1].email
    assert set(values(document, "//@InResponseTo")) == {"_r1"}
    assert values(document, "//saml:Audience/text()") == [SP.entity_id]
    assert values(document, "//saml:SubjectConfirmationData/@Recipient") == [SP.acs_url]
    assert idp.people[1].name in values(document, "//saml:AttributeValue/text()")


@pytest.mark.parametrize("kind", ["pysaml2", "samlp"])
def test_an_application_that_nobody_told_it_about_is_refused(started: Started, kind: str) -> None:
    idp = started.get(kind)
    stranger = ServiceProvider("http://127.0.0.1:7780/saml/con_9/metadata", SP.acs_url)
    assert _ask(idp, provider=stranger).status_code == 403


@pytest.mark.parametrize("kind", ["pysaml2", "samlp"])
def test_one_identity_provider_serves_two_connections(started: Started, kind: str) -> None:
    idp = started.get(kind)
    idp.trust(SP)
    idp.trust(OTHER_SP)
    for provider in (SP, OTHER_SP):
        document = _sent(_log_in(idp, _ask(idp, provider=provider)))
        assert values(document, "/samlp:Response/@Destination") == [provider.acs_url]
        assert values(document, "//saml:Audience/text()") == [provider.entity_id]


@pytest.mark.parametrize("kind", ["pysaml2", "samlp"])
def test_a_wrong_password_signs_nobody_in(started: Started, kind: str) -> None:
    idp = started.get(kind)
    idp.trust(SP)
    answered = _log_in(idp, _ask(idp), password="wrong")
    assert answered.status_code == 401
    assert "SAMLResponse" not in answered.text


@pytest.mark.parametrize("kind", ["pysaml2", "samlp"])
def test_where_signed_requests_are_required_only_those_of_the_right_key_pass(
    started: Started, kind: str, sp_key: KeyPair
) -> None:
    idp = started.get(kind, "strict")
    idp.trust(ServiceProvider(SP.entity_id, SP.acs_url, sp_key.certificate_pem))
    xml = authn_request(acs_url=SP.acs_url, issuer=SP.entity_id)
    foreign = make_key_pair("somebody else", datetime.now(UTC))
    good = _signed_query(sp_key, xml)
    passed = [
        httpx.get(f"{idp.sso_url}?{good}", trust_env=False),
        _post_request(idp, sign_element(xml, "_r1", sp_key)),
    ]
    refused = [
        _ask(idp),
        _ask(idp, post=True),
        httpx.get(f"{idp.sso_url}?{_signed_query(foreign, xml)}", trust_env=False),
        httpx.get(f"{idp.sso_url}?{good.replace('tab-1', 'tab-2')}", trust_env=False),
        _post_request(idp, sign_element(xml, "_r1", foreign)),
        _post_request(idp, sign_element(xml, "_r1", sp_key).replace(b"2026-11-23", b"2026-11-24")),
    ]
    assert [answered.status_code for answered in passed] == [200, 200]
    assert [answered.status_code for answered in refused] == [403] * 6


def test_pysaml2_says_in_its_metadata_that_it_wants_requests_signed(started: Started) -> None:
    root = etree.fromstring(started.get("pysaml2", "strict").metadata_xml.encode())
    assert root.xpath("string(//@WantAuthnRequestsSigned)") == "true"


@pytest.mark.parametrize(
    ("name_id_format", "stays"), [("unspecified", True), ("persistent", True), ("transient", False)]
)
def test_pysaml2_gives_the_name_id_that_it_was_started_for(name_id_format: NameIdFormat, stays: bool) -> None:
    with pysaml2_idp(name_id_format=name_id_format) as idp:
        idp.trust(SP)
        first = _sent(_log_in(idp, _ask(idp)))
        idp.trust(OTHER_SP)  # learning of another application forgets nobody
        second = _sent(_log_in(idp, _ask(idp)))
    name_ids = [values(document, "//saml:NameID/text()")[0] for document in (first, second)]
    for document in (first, second):
        assert values(document, "//saml:NameID/@Format")[0].endswith(f":{name_id_format}")
    assert (name_ids[0] == name_ids[1]) is stays
    assert (idp.people[1].email in name_ids) is (name_id_format == "unspecified")


class Acs:
    """A service provider's address that keeps what is posted to it."""

    def __init__(self) -> None:
        kept: list[dict[str, list[str]]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                kept.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<title>arrived</title><link rel=icon href=data:,>")

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.posted = kept
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/acs"


@pytest.fixture
def acs() -> Iterator[Acs]:
    made = Acs()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


@pytest.mark.parametrize("kind", ["practice", "pysaml2", "samlp"])
def test_a_person_signs_in_by_the_visible_labels(started: Started, kind: str, page: Page, acs: Acs) -> None:
    idp = started.get(kind)
    provider = ServiceProvider(SP.entity_id, acs.url)
    if kind != "practice":
        idp.trust(provider)
    xml = authn_request(acs_url=provider.acs_url, issuer=provider.entity_id)
    page.goto(f"{idp.sso_url}?{urlencode({'SAMLRequest': deflated(xml)})}")
    idp.sign_in(page, idp.people[2])
    page.wait_for_url(acs.url)
    document = base64.b64decode(acs.posted[0]["SAMLResponse"][0])
    assert values(document, "//saml:NameID/text()") == [idp.people[2].email]
    assert verified(document, idp.certificate_pem, "Assertion").get("ID")


def test_the_practice_idp_misbehaves_on_demand_in_a_browser(started: Started, page: Page, acs: Acs) -> None:
    idp = started.get("practice")
    page.goto(f"{idp.sso_url}?{urlencode({'SAMLRequest': deflated(authn_request(acs_url=acs.url))})}")
    misbehave(page, "Wrong audience", signed="Assertion only")
    idp.sign_in(page, idp.people[0])
    page.wait_for_url(acs.url)
    document = base64.b64decode(acs.posted[0]["SAMLResponse"][0])
    assert values(document, "//saml:Audience/text()") == ["https://another-app.example/saml/metadata"]
    assert len(values(document, "//ds:SignatureValue/text()")) == 1


@pytest.mark.parametrize("kind", [practice_idp, samlp_idp])
def test_a_process_ends_with_its_context_and_frees_its_port(
    kind: Callable[[], AbstractContextManager[RunningIdp]],
) -> None:
    with kind() as idp:
        assert idp.process.poll() is None
    assert idp.process.returncode == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(idp.metadata_url, trust_env=False)
