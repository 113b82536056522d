"""The identity provider's logout messages for tests, in both bindings. Like `forge` it imports nothing of `vestibule`."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

from tests.saml import forge
from tests.saml.forge import IDP, NOW, SAML, SAMLP, SUCCESS, Raw, Signing, instant, sign_xml, signature_value

SLO: Final = "https://sso.example/saml/con_1/slo"


@dataclass(frozen=True, slots=True)
class Logout:
    """All that a logout message says. The defaults are in order at `NOW`; None leaves things out."""

    tag: str = "LogoutRequest"
    message_id: str = "_logout1"
    version: str = "2.0"
    issue_instant: str = instant(NOW)
    destination: str | None = SLO
    issuer: str | None = IDP
    not_on_or_after: str | None = instant(NOW + timedelta(minutes=5))
    name_id: str | Raw | None = "ada@example.com"
    name_id_format: str | None = forge.EMAIL_FORMAT
    session_indexes: tuple[str, ...] = ("_session1",)
    in_response_to: str | None = "_ours1"
    statuses: tuple[str, ...] = (SUCCESS,)
    attributes: str = ""
    extensions: str = ""
    end: str = ""

    def xml(self) -> str:
        """Return the unsigned message."""
        names = {"ID": self.message_id, "Version": self.version, "IssueInstant": self.issue_instant}
        own = {"NotOnOrAfter": self.not_on_or_after} if self._request else {"InResponseTo": self.in_response_to}
        written = _attributes({**names, "Destination": self.destination, **own}) + self.attributes
        issuer = "" if self.issuer is None else f"<saml:Issuer>{escape(self.issuer)}</saml:Issuer>"
        body = issuer + self.extensions + (self._subject() if self._request else self._status()) + self.end
        return f'<samlp:{self.tag} xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}"{written}>{body}</samlp:{self.tag}>'

    @property
    def _request(self) -> bool:
        return self.tag == "LogoutRequest"

    def _subject(self) -> str:
        named = ""
        if isinstance(self.name_id, Raw):
            named = self.name_id.xml
        elif self.name_id is not None:
            named = f"<saml:NameID{_attributes({'Format': self.name_id_format})}>{escape(self.name_id)}</saml:NameID>"
        return named + "".join(
            f"<samlp:SessionIndex>{escape(index)}</samlp:SessionIndex>" for index in self.session_indexes
        )

    def _status(self) -> str:
        code = ""
        for value in reversed(self.statuses):
            code = f'<samlp:StatusCode Value="{value}">{code}</samlp:StatusCode>'
        return f"<samlp:Status>{code}</samlp:Status>"


def _attributes(names: dict[str, str | None]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in names.items() if value is not None)


def request(**changes: Any) -> Logout:
    """Return a LogoutRequest."""
    return replace(Logout(), **changes)


def response(**changes: Any) -> Logout:
    """Return a LogoutResponse."""
    return replace(Logout(tag="LogoutResponse"), **changes)


def posted(message: Logout, signing: Signing | None = None, *, signed: bool = True) -> str:
    """Return the value of the form field."""
    data = sign_xml(message.xml(), message.message_id, signing) if signed else message.xml().encode()
    return base64.b64encode(data).decode()


def deflate(data: bytes) -> bytes:
    """Return raw DEFLATE data."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def escaped(text: str | bytes, *, lower: bool = False) -> str:
    """Return a query value, its escapes in upper case, or in lower case as .NET writes them."""
    written = quote(text, safe="")
    parts = written.split("%")
    return parts[0] + "".join(f"%{part[:2].lower() if lower else part[:2]}{part[2:]}" for part in parts[1:])


def redirected(
    message: Logout | bytes,
    signing: Signing | None = None,
    *,
    relay_state: str | None = None,
    lower: bool = False,
    kind: str = "",
) -> str:
    """Return the signed query string. Bytes are packed as they are."""
    signing = signing or Signing()
    data = message if isinstance(message, bytes) else message.xml().encode()
    kind = kind or ("SAMLResponse" if isinstance(message, Logout) and not message._request else "SAMLRequest")
    query = f"{kind}={escaped(base64.b64encode(deflate(data)), lower=lower)}"
    if relay_state is not None:
        query += f"&RelayState={escaped(relay_state, lower=lower)}"
    return signed_query(f"{query}&SigAlg={escaped(signing.algorithm, lower=lower)}", signing, lower=lower)


def signed_query(query: str, signing: Signing | None = None, *, lower: bool = False) -> str:
    """Return a query with the signature over it as it stands."""
    value = base64.b64encode(signature_value(query.encode(), signing or Signing()))
    return f"{query}&Signature={escaped(value, lower=lower)}"
