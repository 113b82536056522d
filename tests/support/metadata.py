"""What an IdP's admin hands over, for tests: metadata, certificates with chosen ends, and a server that serves documents."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.saml import forge
from tests.support.loopback import serving

ENTITY_ID = "https://idp.example/metadata"
SSO_URL = "https://idp.example/sso"
_MD = "urn:oasis:names:tc:SAML:2.0:metadata"
_REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"


def certificate_pem(common_name: str = "idp", *, days: int = 900) -> str:
    """Return a certificate over the forge's key that ends in so many days from the real present."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    private, now = forge.key().private_key, datetime.now(UTC)
    begin = min(now, now + timedelta(days=days)) - timedelta(days=1)
    builder = x509.CertificateBuilder(
        name, name, private.public_key(), days + 5000, begin, now + timedelta(days=days, hours=1)
    )
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def base64_of(pem: str) -> str:
    """Return the base64 of a PEM certificate, as metadata has it."""
    return "".join(line for line in pem.splitlines() if "-----" not in line)


def idp_metadata(entity_id: str = ENTITY_ID, *pems: str, sso_url: str = SSO_URL, signed_requests: bool = False) -> str:
    """Return metadata of one IdP."""
    keys = "".join(
        '<KeyDescriptor use="signing"><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>'
        f"{base64_of(pem)}</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
        for pem in (pems or (certificate_pem(),))
    )
    wants = ' WantAuthnRequestsSigned="true"' if signed_requests else ""
    return (
        f'<EntityDescriptor xmlns="{_MD}" entityID="{entity_id}"><IDPSSODescriptor{wants} '
        f'protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">{keys}'
        f'<SingleSignOnService Binding="{_REDIRECT}" Location="{sso_url}"/></IDPSSODescriptor></EntityDescriptor>'
    )


def aggregate(*documents: str) -> str:
    """Return metadata that describes several entities."""
    return f'<EntitiesDescriptor xmlns="{_MD}">{"".join(documents)}</EntitiesDescriptor>'


class Documents:
    """A web server on loopback whose one document a test changes. `asked` counts the requests."""

    def __init__(self) -> None:
        self.document = idp_metadata()
        self.status = 200
        self.pause_seconds = 0.0
        self.asked = 0
        self.url = ""


@contextmanager
def serving_documents() -> Iterator[Documents]:
    """Run a server of one document."""
    documents = Documents()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            documents.asked += 1
            time.sleep(documents.pause_seconds)
            body = documents.document.encode()
            self.send_response(documents.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):  # whoever asked had enough, or waited long enough
                self.wfile.write(body)

    with serving(Handler) as origin:
        documents.url = f"{origin}/metadata"
        yield documents
