"""Every signature of the corpus judged three times; where we differ, the table says why, and it is complete."""

from __future__ import annotations

import re

import pytest

from tests.saml import forge
from tests.saml.hostile.legitimate import PASSING, Legitimate
from tests.saml.hostile.opinions import differences, opinions
from tests.saml.hostile.others import bergshamras, signxmls
from tests.saml.verifying import certificate
from vestibule.saml import xml
from vestibule.saml.signatures import verify_enveloped

ENCRYPTED = re.compile("aes|oaep|the key |a key for|encrypted|plaintext")
IN_THE_CLEAR = [message for message in PASSING if not ENCRYPTED.search(message.name)]


def key_of(message: Legitimate) -> forge.IdpKey:
    kind = re.search(r"with (rsa\d+|p\d+)", message.name)
    return forge.key("idp", kind[1]) if kind else forge.key()


def test_nobody_refuses_a_signature_that_we_accept() -> None:
    accepted = [opinion for opinion in opinions() if opinion.ours]
    assert len(accepted) > 300
    assert [opinion for opinion in accepted if not (opinion.signxml and opinion.bergshamra)] == []


def test_every_difference_is_explained_and_every_explanation_has_a_difference() -> None:
    found = differences()
    assert [explanation.sentence for explanation, differing in found.items() if not differing] == []
    assert sum(len(differing) for differing in found.values()) > 300


@pytest.mark.parametrize("message", IN_THE_CLEAR, ids=str)
def test_all_three_accept_a_legitimate_signature_and_see_the_same_bytes(message: Legitimate) -> None:
    data, key = message.build(), key_of(message)
    assert bergshamras(data, key)
    signed = signxmls(data, key)
    # signxml leaves the namespace declarations of an inclusive list out of what it returns.
    assert "inclusive prefixes" in message.name or signed in (_verified(data, 0, key), _verified(data, -1, key))


def _verified(data: bytes, at: int, key: forge.IdpKey) -> bytes | None:
    root = xml.parse_untrusted(data)
    element = root if at == 0 else root[-1]
    if not any(child.tag.endswith("}Signature") for child in element):
        return None
    return verify_enveloped(element, (certificate(key),)).canonical
