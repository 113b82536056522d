"""What is fuzzed: each target takes any bytes, and only the project's own refusals may come out of it.

`mutate` and `plaintext` go further: their bytes choose how a signed message is changed, and whatever is accepted afterwards
must say exactly what was signed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache, partial
from typing import Final
from urllib.parse import urlsplit

from tests.saml import forge
from tests.saml.forge import Recipe, Signing
from tests.saml.forge_encryption import encrypt, encrypted_response
from tests.saml.mutating import mutated
from tests.saml.test_encryption import KEYS
from tests.saml.verifying import certificate, expectations, verify
from vestibule.directory.forward_auth import DEFAULT_PORTS, clean_host
from vestibule.saml import xml
from vestibule.saml.captures import CaptureInvalid, find_messages
from vestibule.saml.certificates import parse_certificates
from vestibule.saml.encoding import decode_base64
from vestibule.saml.errors import SamlError
from vestibule.saml.inspection import as_data, inspect_message
from vestibule.saml.inspection_checks import Measure
from vestibule.saml.logouts import verify_posted, verify_redirected
from vestibule.saml.metadata import parse_idp_metadata
from vestibule.saml.redirects import Kind, inflate
from vestibule.saml.responses import VerifiedAssertion, decode_post, peek_response
from vestibule.web.forwarded import ForwardedRefused, read_asked

_KINDS: Final[tuple[Kind, ...]] = ("SAMLRequest", "SAMLResponse")
_MEASURE: Final = Measure(
    now=forge.NOW, idp_entity_id=forge.IDP, certificates=(certificate(),), acs_url=forge.ACS, sp_entity_id=forge.SP
)
Target = Callable[[bytes], None]
_XS: Final = ' xmlns:xs="http://www.w3.org/2001/XMLSchema"'


def _refusal(call: Callable[[], object]) -> SamlError | None:
    try:
        call()
    except SamlError as error:
        return error
    return None


def parse(data: bytes) -> None:
    """The hardened parser, and the canonical form of what it lets through."""
    try:
        canonical = xml.canonicalize(xml.parse_untrusted(data))
    except SamlError:
        return
    assert xml.canonicalize(xml.parse_canonical(canonical)) == canonical


def peek(data: bytes) -> None:
    """The form field, and what a response claims about itself."""
    for read in (decode_post, peek_response):
        _refusal(partial(read, data))


def verify_message(data: bytes) -> None:
    """The whole verification: nothing that a fuzzer writes is signed by our key."""
    refusal = _refusal(lambda: verify(data, decryption_keys=KEYS))
    assert refusal is not None
    assert [check.outcome for check in refusal.checks].count("failed") == 1
    assert all(len(check.received) <= 300 for check in refusal.checks)


@cache
def _originals() -> tuple[tuple[bytes, VerifiedAssertion], ...]:
    made = [
        forge.response(Recipe(saml_prefix=prefix, response_attributes=_XS), sign, Signing(inclusive_prefixes=prefixes))
        for sign in ("assertion", "response", "both")
        for prefix in ("saml", "")
        for prefixes in (None, "#default xs")
    ]
    made += [forge.response(Recipe(pretty=True), "both", Signing(pretty=True)), encrypted_response(sign="both")]
    return tuple((data, verify(data, decryption_keys=KEYS)) for data in made)


class _Choices:
    """Numbers out of the fuzzer's bytes, zeros when they are used up."""

    def __init__(self, data: bytes) -> None:
        self._rest = data

    def __call__(self, count: int) -> int:
        size = 1 if count <= 256 else 2
        number, self._rest = int.from_bytes(self._rest[:size], "big"), self._rest[size:]
        return number % count


def mutate(data: bytes) -> None:
    """A signed message, changed as the bytes say."""
    choose = _Choices(data)
    original, honest = _originals()[choose(len(_originals()))]
    _says_what_was_signed(mutated(original, choose), honest)


def plaintext(data: bytes) -> None:
    """A signed assertion, changed as the bytes say, and then encrypted; or the bytes themselves encrypted."""
    around = Recipe().xml().partition(Recipe().assertion_xml())
    signed = _signed_assertion()
    changed = mutated(signed, _Choices(data[1:])) if data[:1] < b"\x80" else data[1:]
    _says_what_was_signed((around[0] + encrypt(changed) + around[2]).encode(), _originals()[0][1])


@cache
def _signed_assertion() -> bytes:
    return forge.sign_xml(Recipe().assertion_xml(), "_assertion1")


def _says_what_was_signed(data: bytes, honest: VerifiedAssertion) -> None:
    try:
        verified = verify(data, decryption_keys=KEYS)
    except SamlError:
        return
    assert verified.name_id == honest.name_id
    assert verified.attributes == honest.attributes
    assert (verified.assertion_id, verified.issuer, verified.session_index) == (
        honest.assertion_id,
        honest.issuer,
        honest.session_index,
    )
    assert verified.not_on_or_after == honest.not_on_or_after


def envelope(data: bytes) -> None:
    """An EncryptedAssertion in a response, before anything of it is opened."""
    head, _, end = Recipe().xml().encode().partition(Recipe().assertion_xml().encode())
    verify_message(head + data + end)


def metadata(data: bytes) -> None:
    """Metadata of an identity provider."""
    refusal = _refusal(lambda: parse_idp_metadata(data, now=forge.NOW))
    assert refusal is None or str(refusal)


def certificates(data: bytes) -> None:
    """What admins paste, and what base64 of it is."""
    for read in (parse_certificates, decode_base64):
        _refusal(partial(read, data))


def redirect(data: bytes) -> None:
    """A query string of the redirect binding, and its packed message alone."""
    _refusal(lambda: verify_redirected(data, expectations()))
    _refusal(partial(inflate, data))


def logout(data: bytes) -> None:
    """A posted logout message: nothing that a fuzzer writes is signed by our key."""
    for kind in _KINDS:
        refusal = _refusal(partial(verify_posted, forge.post_field(data), kind, expectations(decryption_keys=KEYS)))
        assert refusal is not None


def inspect(data: bytes) -> None:
    """What an admin gives to be explained: messages are found in anything, and explained whatever they are."""
    try:
        found = find_messages(data)
    except CaptureInvalid:
        return
    for captured in found:
        for redact in (False, True):
            inspection = inspect_message(captured, _MEASURE, redact=redact)
            assert inspection.kind != "Response" or inspection.verdict != "accepted"
            json.dumps(as_data(inspection))


def forwarded(data: bytes) -> None:
    """The headers of a reverse proxy, one a line: what is understood is an address that every reader reads alike."""
    lines = (line.partition(b": ") for line in data.split(b"\n"))
    try:
        asked = read_asked((name.lower(), value) for name, _, value in lines)
    except ForwardedRefused:
        return
    address = f"{asked.origin}{asked.uri}"
    assert address.isascii()
    assert address.isprintable()
    assert " " not in address
    assert clean_host(asked.host, asked.scheme) == asked.host
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == (asked.scheme, asked.host)
    assert parts.username is None
    assert parts.port != DEFAULT_PORTS[asked.scheme]
    assert not (asked.by_status and (asked.is_callback or asked.is_sign_out))
    assert isinstance(asked.code, str)


TARGETS: Final[dict[str, Target]] = {
    "parse": parse,
    "peek": peek,
    "verify": verify_message,
    "mutate": mutate,
    "plaintext": plaintext,
    "envelope": envelope,
    "metadata": metadata,
    "certificates": certificates,
    "redirect": redirect,
    "logout": logout,
    "inspect": inspect,
    "forwarded": forwarded,
}
