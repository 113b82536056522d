"""Damage to a good signature, judged by others too. What they say of hostile messages is in hostile/test_opinions.py."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from signxml.exceptions import InvalidInput, InvalidSignature

from tests.saml import forge
from tests.saml.forge import Attribute, Raw, Recipe, Signing
from tests.saml.hostile.others import bergshamras, signxmls
from tests.saml.verifying import certificate
from vestibule.saml import xml
from vestibule.saml.errors import SamlError
from vestibule.saml.signatures import verify_enveloped

MORE = "http://www.w3.org/2001/04/xmldsig-more#"
MORE_2007 = "http://www.w3.org/2007/05/xmldsig-more#"


@dataclass(frozen=True)
class Case:
    name: str
    recipe: Recipe
    signing: Signing


def cases() -> list[Case]:
    declared = ' xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    curve, wide = forge.key("curve", "p256"), forge.key("wide", "p384")
    odd = (
        Attribute("a", ("x\ty", Raw("<![CDATA[<&>]]>"), Raw("&#13;\n &quot;'"), "é李😀", None, "")),
        Attribute("t", ("v",), typed=True),
    )
    return [
        Case("plain", Recipe(), Signing()),
        Case("default namespaces", Recipe(saml_prefix="", samlp_prefix=""), Signing(prefix="")),
        Case("other prefixes", Recipe(saml_prefix="a", samlp_prefix="b"), Signing(prefix="c")),
        Case("pretty", Recipe(pretty=True), Signing(pretty=True, wrap_base64=True)),
        Case("inclusive", Recipe(response_attributes=declared), Signing(inclusive_prefixes="xs xsi saml samlp")),
        Case("odd values", Recipe(attributes=odd), Signing()),
        Case("comments", Recipe(end_of_response="<!-- x -->", end_of_assertion="<!-- y -->"), Signing()),
        Case(
            "sha512", Recipe(), Signing(algorithm=MORE + "rsa-sha512", digest="http://www.w3.org/2001/04/xmlenc#sha512")
        ),
        Case("sha384", Recipe(), Signing(algorithm=MORE + "rsa-sha384", digest=MORE + "sha384")),
        Case("pss", Recipe(), Signing(algorithm=MORE_2007 + "sha256-rsa-MGF1")),
        Case("p256", Recipe(), Signing(key=curve, algorithm=MORE + "ecdsa-sha256")),
        Case("p384", Recipe(), Signing(key=wide, algorithm=MORE + "ecdsa-sha384")),
    ]


CASES = cases()
KIND_OF = {"p256": "p256", "p384": "p384"}
ALL = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def ours(data: bytes, key: forge.IdpKey) -> bytes:
    return verify_enveloped(xml.parse_untrusted(data), (certificate(key),)).canonical


@ALL
@pytest.mark.parametrize("edit", ["value", "digest", "signature", "key"])
def test_all_three_refuse_the_same_damage(case: Case, edit: str) -> None:
    data = forge.response(case.recipe, sign="response", signing=case.signing)
    key = case.signing.key
    if edit == "key":
        key = forge.key("stranger", KIND_OF.get(case.name, "rsa2048"))
    else:
        pattern = {
            "value": rb"(ada@example)",
            "digest": rb"DigestValue>\s*(....)",
            "signature": rb"SignatureValue>\s*(....)",
        }[edit]
        found = re.search(pattern, data)
        assert found
        data = data[: found.start(1)] + found[1].swapcase() + data[found.end(1) :]
    with pytest.raises(SamlError):
        ours(data, key)
    assert not bergshamras(data, key)
    with pytest.raises((InvalidSignature, InvalidInput)):
        signxmls(data, key)
