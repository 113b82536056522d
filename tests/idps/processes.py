"""Real identity providers for tests, each a process of its own that is told about service providers after it started.

with pysaml2_idp(signs="assertion") as idp:
    …                                            # give idp.metadata_url, or its values by hand, to the wizard
    idp.trust(ServiceProvider(entity_id, acs_url))
    idp.sign_in(page, idp.people[0])             # when the browser stands on the identity provider's page
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import httpx
from cryptography.hazmat.primitives import serialization
from lxml import etree
from playwright.sync_api import Page

from tests.idps.people import PASSWORD, PEOPLE
from tests.support.processes import started
from tests.support.tools import tool
from vestibule.practice import people as practice_people
from vestibule.practice.keys import make_key_pair
from vestibule.practice.people import Person

Signs = Literal["response", "assertion", "both"]
NameIdFormat = Literal["email", "unspecified", "persistent", "transient"]

_NAMES: Final = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "ds": "http://www.w3.org/2000/09/xmldsig#"}
_POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """The values that an IdP admin copies over; the certificate only where requests are signed."""

    entity_id: str
    acs_url: str
    certificate_pem: str = ""
    encryption_certificate_pem: str = ""
    slo_url: str = ""


@dataclass(frozen=True, slots=True)
class RunningIdp:
    """One identity provider that listens. `process` is ours to end, and nobody else's."""

    base_url: str
    entity_id: str
    metadata_url: str
    sso_url: str
    metadata_xml: str
    certificate_pem: str
    people: tuple[Person, ...]
    process: subprocess.Popen[bytes]
    _drive: Callable[[Page, Person], None]

    def trust(self, provider: ServiceProvider) -> None:
        """Tell the identity provider about a service provider; telling it again replaces what it knew."""
        self._tell(provider, _sp_metadata(provider))

    def trust_metadata(self, xml: str) -> None:
        """Tell it by the service provider's own metadata, as an IdP admin uploads it."""
        self._tell(_read_sp_metadata(xml), xml)

    def trust_metadata_url(self, url: str) -> None:
        """Tell it by the service provider's own metadata, as that is served now."""
        self.trust_metadata(httpx.get(url, trust_env=False).raise_for_status().text)

    def _tell(self, provider: ServiceProvider, metadata_xml: str) -> None:
        told = asdict(provider) | {"metadata_xml": metadata_xml}
        httpx.post(f"{self.base_url}/service-providers", json=told, trust_env=False).raise_for_status()

    def sign_in(self, page: Page, person: Person) -> None:
        """Sign `person` in on this identity provider's page, which `page` shows, and let the answer be posted."""
        page.wait_for_url(f"{self.base_url}/**")
        self._drive(page, person)


@contextmanager
def pysaml2_idp(
    *,
    signs: Signs = "both",
    name_id_format: NameIdFormat = "email",
    wants_signed_requests: bool = False,
    logs_out: Literal["", "redirect", "post"] = "",
    port: int = 0,
) -> Iterator[RunningIdp]:
    """Run pysaml2's identity provider, which says OID-named attributes."""
    with tempfile.TemporaryDirectory(prefix="pysaml2-idp-") as name:
        folder = Path(name)
        certificate_pem = _write_keys(folder, "pysaml2")
        command = [sys.executable, "-m", "tests.idps.pysaml2_idp"]
        command += ["--port", str(port), "--ready-file", str(folder / "ready.json")]
        command += ["--key", str(folder / "key.pem"), "--certificate", str(folder / "certificate.pem")]
        command += ["--people", json.dumps([asdict(person) for person in PEOPLE])]
        command += ["--signs", signs, "--name-id-format", name_id_format]
        command += ["--logs-out", logs_out] if logs_out else []
        command += ["--wants-signed-requests"] if wants_signed_requests else []
        with _running(command, folder, PEOPLE, _with_password) as idp:
            assert idp.certificate_pem == certificate_pem
            yield idp


@contextmanager
def samlp_idp(
    *,
    signs: Signs = "both",
    wants_signed_requests: bool = False,
    encrypts: str = "",
    logs_out: Literal["", "redirect", "post"] = "",
    port: int = 0,
) -> Iterator[RunningIdp]:
    """Run the npm package samlp's identity provider, which says claim URIs and e-mail NameIDs.

    `encrypts` is how, `aes256-gcm` say. Its `/start?to=ENTITY_ID` begins a sign-in that nobody asked for, and its
    `/slo` a logout of the browser that opens it.
    """
    home = Path(__file__).with_name("samlp_idp")
    if not (home / "node_modules" / "samlp").exists():
        raise AssertionError(
            "the samlp package is not installed: run `make test` once, or `npm ci` in tests/idps/samlp_idp"
        )
    with tempfile.TemporaryDirectory(prefix="samlp-idp-") as name:
        folder = Path(name)
        _write_keys(folder, "samlp")
        options = {
            "readyFile": str(folder / "ready.json"),
            "port": port,
            "keyFile": str(folder / "key.pem"),
            "certificateFile": str(folder / "certificate.pem"),
            "people": [asdict(person) for person in PEOPLE],
            "password": PASSWORD,
            "signs": signs,
            "wantsSignedRequests": wants_signed_requests,
            "encrypts": encrypts,
            "logsOut": logs_out,
        }
        command = [tool("node"), str(home / "idp.js"), json.dumps(options)]
        with _running(command, folder, PEOPLE, _with_password) as idp:
            yield idp


@contextmanager
def practice_idp(*, port: int = 0) -> Iterator[RunningIdp]:
    """Run the practice identity provider. It answers whoever asks on this machine, so there is nobody to `trust`."""
    with tempfile.TemporaryDirectory(prefix="practice-idp-") as name:
        folder = Path(name)
        command = [sys.executable, "-m", "tests.idps.practice_process"]
        command += ["--port", str(port), "--ready-file", str(folder / "ready.json")]
        people = (*practice_people.PEOPLE, practice_people.STRANGER)
        with _running(command, folder, people, _by_choosing) as idp:
            yield idp


def misbehave(page: Page, label: str, *, signed: str = "") -> None:
    """Set the practice identity provider's switches, by their labels, before its `sign_in`."""
    page.get_by_label("The response", exact=True).select_option(label=label)
    if signed:
        page.get_by_label("Signed").select_option(label=signed)


def _with_password(page: Page, person: Person) -> None:
    page.get_by_label("User name").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def _by_choosing(page: Page, person: Person) -> None:
    page.get_by_label(person.name).check()
    page.get_by_role("button", name="Sign in").click()


@contextmanager
def _running(
    command: list[str], folder: Path, people: tuple[Person, ...], drive: Callable[[Page, Person], None]
) -> Iterator[RunningIdp]:
    with started(command, folder) as (facts, process):
        xml = httpx.get(facts["metadata_url"], trust_env=False).raise_for_status().text
        yield RunningIdp(
            **facts,
            metadata_xml=xml,
            certificate_pem=_certificate_of(xml),
            people=people,
            process=process,
            _drive=drive,
        )


def _write_keys(folder: Path, common_name: str) -> str:
    pair = make_key_pair(common_name, datetime.now(UTC))
    key = pair.private_key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(key)
    (folder / "certificate.pem").write_text(pair.certificate_pem, encoding="ascii")
    return pair.certificate_pem


def _certificate_of(metadata_xml: str) -> str:
    text = etree.fromstring(metadata_xml.encode()).findtext(".//ds:X509Certificate", "", _NAMES)
    return _as_pem(text)


def _as_pem(base64_text: str) -> str:
    packed = "".join(base64_text.split())
    lines = [packed[start : start + 64] for start in range(0, len(packed), 64)]
    return "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])


def _read_sp_metadata(xml: str) -> ServiceProvider:
    root = etree.fromstring(xml.encode())
    acs = root.find(f".//md:AssertionConsumerService[@Binding='{_POST}']", _NAMES)
    assert acs is not None, xml
    certificates = [
        root.findtext(f".//md:SPSSODescriptor/md:KeyDescriptor[@use='{use}']//ds:X509Certificate", "", _NAMES)
        for use in ("signing", "encryption")
    ]
    signing, encryption = (_as_pem(text) if text else "" for text in certificates)
    slo = root.find(".//md:SPSSODescriptor/md:SingleLogoutService", _NAMES)
    slo_url = slo.get("Location", "") if slo is not None else ""
    return ServiceProvider(root.get("entityID", ""), acs.get("Location", ""), signing, encryption, slo_url)


def _sp_metadata(provider: ServiceProvider) -> str:
    """Write what an IdP's console writes behind the scenes when its admin types the two values."""
    md, ds = _NAMES["md"], _NAMES["ds"]
    root = etree.Element(f"{{{md}}}EntityDescriptor", {"entityID": provider.entity_id}, nsmap={"md": md, "ds": ds})
    protocol = {"protocolSupportEnumeration": "urn:oasis:names:tc:SAML:2.0:protocol"}
    descriptor = etree.SubElement(root, f"{{{md}}}SPSSODescriptor", protocol)
    if provider.certificate_pem:
        parent = etree.SubElement(descriptor, f"{{{md}}}KeyDescriptor", {"use": "signing"})
        for tag in ("KeyInfo", "X509Data", "X509Certificate"):
            parent = etree.SubElement(parent, f"{{{ds}}}{tag}")
        parent.text = "".join(line for line in provider.certificate_pem.splitlines() if "-----" not in line)
    acs = {"Binding": _POST, "Location": provider.acs_url, "index": "0", "isDefault": "true"}
    etree.SubElement(descriptor, f"{{{md}}}AssertionConsumerService", acs)
    return etree.tostring(root, encoding="unicode")
