"""Why an encrypted part of a message is refused. What depends on a secret has one class, one sentence and no detail."""

from __future__ import annotations

from typing import Final

from vestibule.kernel.text import N_
from vestibule.saml.errors import SamlError

_SENTENCE: Final = N_("Your organisation’s sign-in service encrypted its answer in a way that can’t be opened here.")


class EncryptionRefused(SamlError):
    """An encrypted element is refused for what anybody can see of it."""

    code = "saml_encryption"
    public = _SENTENCE
    spec = "saml-core-2.0-os 6.2"
    check = "assertion"


class EncryptionMalformed(EncryptionRefused):
    """EncryptedData or EncryptedKey is not of the forms that SAML needs; a CipherReference is one of the others."""

    code = "saml_encryption_malformed"
    spec = "xmlenc-core1 3"


class EncryptionNotAllowed(EncryptionRefused):
    """The algorithm is not one that we accept: RSA 1.5, Triple DES, unknown ones."""

    code = "saml_encryption_algorithm"
    spec = "xmlenc-core1 5"


class CbcNotAllowed(EncryptionNotAllowed):
    """AES-CBC where the connection does not allow it, or where no verified signature covers the ciphertext."""

    code = "saml_encryption_cbc"
    spec = "xmlenc-core1 6.1"


class DecryptionFailed(EncryptionRefused):
    """It did not open. Which of key, padding, tag or plaintext was wrong is told to nobody, not even to the log."""

    code = "saml_decryption"
    spec = "xmlenc-core1 6.1"

    def __init__(self) -> None:
        super().__init__("the encrypted part can't be opened with our keys")
