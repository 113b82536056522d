"""Reading EncryptedAssertion and EncryptedID (saml-core 6, xmlenc-core1), and opening them. What comes out is unverified.

Owns the exact shape of what is encrypted; `ciphers` opens it. Encryption proves nothing about who wrote a message, so the
plaintext is read as any untrusted document is, and signatures decide about it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from vestibule.saml import names, reading, xml
from vestibule.saml.ciphers import BlockCipher, KeyWrap, block_cipher, decrypt, key_wrap
from vestibule.saml.encoding import decode_base64
from vestibule.saml.encryption_errors import CbcNotAllowed, DecryptionFailed, EncryptionMalformed
from vestibule.saml.errors import (
    EncryptedNotSupported,
    MalformedXml,
    MissingElement,
    NotBase64,
    SignatureMalformed,
    UnexpectedElement,
)
from vestibule.saml.expectations import Expectations
from vestibule.saml.signatures import KEY_INFO, validate_key_info

_E: Final = f"{{{names.XENC}}}"
_DS: Final = f"{{{names.DS}}}"
_KEY: Final = _E + "EncryptedKey"
_RETRIEVAL: Final = _DS + "RetrievalMethod"
_NAME_OF_KEY: Final = names.XENC + "EncryptedKey"
_DIGEST: Final = _DS + "DigestMethod"
_MASK: Final = f"{{{names.XENC11}}}MGF"
_NONE: Final[frozenset[str]] = frozenset()
_ENCRYPTED: Final = frozenset({"Id", "Type", "MimeType", "Encoding"})
_ENCRYPTED_KEY: Final = _ENCRYPTED | {"Recipient"}
_REFERENCE: Final = frozenset({"URI", "Type"})
_ID_ONLY: Final = frozenset({"Id"})
_ALGORITHM_ONLY: Final = frozenset({"Algorithm"})
_URI_ONLY: Final = frozenset({"URI"})
# An identity provider wraps the key once for each key that the service provider has published.
_MAX_KEYS: Final = 8


@dataclass(frozen=True, slots=True)
class Opened:
    """What was inside: an untrusted document, hardened like any other, and the label of the cipher around it."""

    root: xml.Element
    label: str


@dataclass(frozen=True, slots=True)
class _Key:
    wrap: KeyWrap
    wrapped: bytes
    key_id: str | None
    recipient: str | None
    uses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Data:
    cipher: BlockCipher
    data: bytes
    data_id: str | None
    keys: list[_Key]
    retrieval: str | None


def open_encrypted(element: xml.Element, expectations: Expectations, *, signed: bool) -> Opened:
    """Open an untrusted EncryptedAssertion or EncryptedID. `signed` says that a verified signature covers the ciphertext.

    Raises EncryptedNotSupported without keys, EncryptionMalformed, EncryptionNotAllowed, CbcNotAllowed, DecryptionFailed, and
    what any untrusted document raises, except that one which is not well-formed has not been decrypted (xmlenc-core1 6.1).
    """
    if not expectations.decryption_keys:
        raise EncryptedNotSupported("there is no key to decrypt with", received=reading.local_name(element))
    try:
        data, key = _read(element, expectations.sp_entity_id)
    except (UnexpectedElement, MissingElement, NotBase64, SignatureMalformed) as error:
        raise EncryptionMalformed(error.reason, expected=error.expected, received=error.received) from error
    if not data.cipher.authenticated and not (expectations.allow_cbc and signed):
        # CBC is malleable: without a signature around it each refusal would answer a question about the plaintext.
        raise CbcNotAllowed("AES-CBC is not allowed here", expected="AES-GCM", received=data.cipher.label)
    plaintext = decrypt(expectations.decryption_keys, key.wrap, key.wrapped, data.cipher, data.data)
    try:
        return Opened(xml.parse_untrusted(plaintext), data.cipher.label)
    except MalformedXml as error:
        raise DecryptionFailed from error


def _read(element: xml.Element, recipient: str) -> tuple[_Data, _Key]:
    reading.validate_attributes(element, _NONE)
    children = reading.Children(element)
    data = _read_data(children.required(_E + "EncryptedData"))
    beside = [_read_key(child) for child in _bounded(children.several(_KEY))]
    children.end()
    if data.retrieval is None:
        beside = [key for key in beside if not key.uses or key.uses == (f"#{data.data_id}",)]
    else:
        beside = [key for key in beside if f"#{key.key_id}" == data.retrieval]
    keys = [key for key in (*data.keys, *beside) if key.recipient in (None, recipient)]
    if len(keys) != 1:
        raise EncryptionMalformed("not exactly one key is encrypted for us", expected="1", received=str(len(keys)))
    return data, keys[0]


def _bounded(keys: list[xml.Element]) -> list[xml.Element]:
    if len(keys) > _MAX_KEYS:
        raise EncryptionMalformed("too many encrypted keys", expected=str(_MAX_KEYS), received=str(len(keys)))
    return keys


def _read_data(element: xml.Element) -> _Data:
    reading.validate_attributes(element, _ENCRYPTED)
    if element.get("Type", names.XENC_ELEMENT) != names.XENC_ELEMENT:
        raise EncryptionMalformed(
            "not an element is encrypted", expected=names.XENC_ELEMENT, received=element.get("Type") or ""
        )
    children = reading.Children(element)
    cipher = _read_block_cipher(children.required(_E + "EncryptionMethod"))
    key_info = children.optional(_DS + "KeyInfo")
    data = _read_cipher_data(children.required(_E + "CipherData"))
    children.end()
    if not cipher.fits(data):
        raise EncryptionMalformed("the ciphertext has an impossible length", received=f"{len(data)} bytes")
    keys, retrieval = ([], None) if key_info is None else _read_key_info(key_info)
    return _Data(cipher, data, element.get("Id"), keys, retrieval)


def _read_block_cipher(method: xml.Element) -> BlockCipher:
    reading.validate_attributes(method, _ALGORITHM_ONLY)
    children = reading.Children(method)
    size = children.optional(_E + "KeySize")
    children.end()
    cipher = block_cipher(reading.required_attribute(method, "Algorithm"))
    if size is not None and reading.token_of(size) != str(cipher.key_bytes * 8):
        raise EncryptionMalformed(
            "KeySize contradicts the algorithm", expected=cipher.label, received=reading.token_of(size)
        )
    return cipher


def _read_cipher_data(element: xml.Element) -> bytes:
    # A CipherReference would have us fetch a file or a URL: there is no code that could.
    reading.validate_attributes(element, _NONE)
    children = reading.Children(element)
    value = children.required(_E + "CipherValue")
    children.end()
    reading.validate_attributes(value, _NONE)
    return decode_base64(reading.text_of(value))


def _read_key_info(element: xml.Element) -> tuple[list[_Key], str | None]:
    reading.validate_attributes(element, _ID_ONLY)
    children = reading.Children(element)
    found = children.several(_KEY, _RETRIEVAL, *KEY_INFO)
    children.end()
    keys = [_read_key(child) for child in _bounded([child for child in found if child.tag == _KEY])]
    retrievals = [_read_retrieval(child) for child in found if child.tag == _RETRIEVAL]
    if len(retrievals) > 1 or (retrievals and keys):
        raise EncryptionMalformed("the key is named more than once")
    for child in found:
        if child.tag in KEY_INFO:
            validate_key_info(child)
    return keys, retrievals[0] if retrievals else None


def _read_retrieval(element: xml.Element) -> str:
    reading.validate_attributes(element, _REFERENCE)
    reading.Children(element).end()
    if element.get("Type", _NAME_OF_KEY) != _NAME_OF_KEY:
        raise EncryptionMalformed("something else than a key is retrieved", received=element.get("Type") or "")
    return reading.required_attribute(element, "URI")


def _read_key(element: xml.Element) -> _Key:
    reading.validate_attributes(element, _ENCRYPTED_KEY)
    children = reading.Children(element)
    wrap = _read_key_wrap(children.required(_E + "EncryptionMethod"))
    key_info = children.optional(_DS + "KeyInfo")
    wrapped = _read_cipher_data(children.required(_E + "CipherData"))
    references = children.optional(_E + "ReferenceList")
    name = children.optional(_E + "CarriedKeyName")
    children.end()
    if key_info is not None:
        validate_key_info(key_info)
    if name is not None:
        reading.text_of(name)
    return _Key(wrap, wrapped, element.get("Id"), element.get("Recipient"), _read_references(references))


def _read_references(element: xml.Element | None) -> tuple[str, ...]:
    if element is None:
        return ()
    children = reading.Children(element)
    references = children.several(_E + "DataReference")
    children.end()
    for reference in references:
        reading.validate_attributes(reference, _URI_ONLY)
        reading.Children(reference).end()
    return tuple(reading.required_attribute(reference, "URI") for reference in references)


def _read_key_wrap(method: xml.Element) -> KeyWrap:
    reading.validate_attributes(method, _ALGORITHM_ONLY)
    children = reading.Children(method)
    used: dict[str, str] = {}
    for child in children.several(_DIGEST, _MASK):
        reading.validate_attributes(child, _ALGORITHM_ONLY)
        reading.Children(child).end()
        if child.tag in used:
            raise EncryptionMalformed("RSA-OAEP has two digests or two masks")
        used[child.tag] = reading.required_attribute(child, "Algorithm")
    children.end()
    return key_wrap(reading.required_attribute(method, "Algorithm"), used.get(_DIGEST), used.get(_MASK))
