"""Opening takes the same steps and looks the same whatever is wrong, and what is refused by its looks is never opened."""

from __future__ import annotations

from typing import Any

import pytest

from tests.saml import forge
from tests.saml.forge import Recipe
from tests.saml.forge_encryption import XENC, Encryption, encrypted_response
from tests.saml.hostile import encryption as hostile
from tests.saml.hostile.corpus import Hostile
from tests.saml.test_encryption import KEYS, decryption_key
from tests.saml.verifying import refused as refused_with
from vestibule.saml import ciphers, errors
from vestibule.saml.encryption_errors import CbcNotAllowed, DecryptionFailed, EncryptionMalformed, EncryptionNotAllowed
from vestibule.saml.errors import SamlError
from vestibule.saml.keys import DecryptionKey

ASSERTION = Recipe().assertion_xml()
FAILURES = hostile.failures()
UNOPENED = [
    message
    for message in hostile.FAMILY.messages
    if message.error in (CbcNotAllowed, EncryptionMalformed, EncryptionNotAllowed, errors.EncryptedNotSupported)
    or (message.error is errors.DigestMismatch and "allow_cbc" in message.overrides)
]


def refused(data: bytes, error: type[SamlError], **changes: Any) -> SamlError:
    return refused_with(data, error, **{"decryption_keys": KEYS, **changes})


def shape_of(error: SamlError) -> tuple[Any, ...]:
    return (type(error), str(error), error.reason, error.expected, error.received, error.code, error.checks)


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_to_decrypt_looks_the_same(name: str) -> None:
    reference = refused(encrypted_response(encryption=Encryption(ciphertext=hostile.flipped(40))), DecryptionFailed)
    found = refused(encrypted_response(encryption=FAILURES[name]), DecryptionFailed)
    assert shape_of(found) == shape_of(reference)


@pytest.mark.parametrize("last", [0, 17, 255])
def test_bad_cbc_padding_and_a_bad_plaintext_look_the_same(last: int) -> None:
    changed = Encryption(cipher="aes256-cbc", ciphertext=hostile.ends_with(bytes([last]) * 16))
    padding = refused(hostile.sealed(ASSERTION, changed), DecryptionFailed, allow_cbc=True)
    garbage = hostile.sealed("garbage", Encryption(cipher="aes256-cbc"))
    assert shape_of(padding) == shape_of(refused(garbage, DecryptionFailed, allow_cbc=True))


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_to_decrypt_takes_the_same_steps(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[tuple[str, int]] = []
    unwrap, open_gcm = ciphers._unwrap, ciphers._open_gcm

    def recorded_unwrap(key: DecryptionKey, wrap: ciphers.KeyWrap, wrapped: bytes, length: int) -> bytes:
        secret = unwrap(key, wrap, wrapped, length)
        steps.append(("unwrap", len(secret)))
        return secret

    def recorded_open(secret: bytes, data: bytes) -> bytes | None:
        steps.append(("open", len(secret)))
        return open_gcm(secret, data)

    monkeypatch.setattr(ciphers, "_unwrap", recorded_unwrap)
    monkeypatch.setattr(ciphers, "_open_gcm", recorded_open)
    keys = (*KEYS, decryption_key(forge.key("sp new")))
    refused(encrypted_response(encryption=FAILURES[name]), DecryptionFailed, decryption_keys=keys)
    assert steps == [("unwrap", 32), ("open", 32)] * 2


def test_a_success_takes_the_same_steps_as_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[bool] = []
    open_gcm = ciphers._open_gcm

    def recorded_open(secret: bytes, data: bytes) -> bytes | None:
        plaintext = open_gcm(secret, data)
        opened.append(plaintext is not None)
        return plaintext

    monkeypatch.setattr(ciphers, "_open_gcm", recorded_open)
    keys = (*KEYS, decryption_key(forge.key("sp new")))
    refused(encrypted_response(Recipe(audiences=())), errors.AudienceMismatch, decryption_keys=keys)
    assert opened == [True, False]


def test_the_substitute_of_a_key_is_stable_secret_and_different_for_each_message() -> None:
    wrap, other = ciphers.key_wrap(XENC + "rsa-oaep-mgf1p", None, None), decryption_key(forge.key("sp new"))
    made = [ciphers._unwrap(key, wrap, wrapped, 32) for key in (KEYS[0], other) for wrapped in (bytes(256), bytes(255))]
    assert len(set(made)) == 4
    assert made[0] == ciphers._unwrap(KEYS[0], wrap, bytes(256), 32)


@pytest.mark.parametrize("message", UNOPENED, ids=str)
def test_what_is_refused_by_its_looks_is_never_opened(message: Hostile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ciphers, "_unwrap", None)
    refused(message.data, message.error, **message.overrides)
