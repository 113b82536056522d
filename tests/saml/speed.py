"""How fast a response is verified, as a ratio to the floor: the same libraries doing only what nobody can leave out.

    python -m tests.saml.speed

The floor is base64, parse, exclusive C14N of element and SignedInfo, SHA-256 and RSA verify, once for each signature. Both run in
turns, in CPU seconds, and the best turn of each counts, so that a busy machine changes the figures little.
"""

from __future__ import annotations

import base64
import hashlib
import sys
import time
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from tests.saml import forge
from tests.saml.verifying import certificate, expectations
from vestibule.saml.responses import decode_post, verify_response

_ROUNDS = 60
_CALLS = 20
_GROUP = "CN=Applied Engineering and Research {:03},OU=Worldwide Security Groups,OU=Identity Management,OU=Corporate,DC=example,DC=com"


def message(groups: int, sign: forge.SignWhat, attributes: int = 0) -> bytes:
    """Return the form field of a response with so many groups and further attributes; 30 groups make 14 kB of XML."""
    names = tuple(_GROUP.format(number) for number in range(groups))
    more = tuple(forge.Attribute(f"attribute{number}", (f"value {number}",)) for number in range(attributes))
    recipe = forge.Recipe(
        attributes=(*forge.DEFAULT_ATTRIBUTES[:2], forge.Attribute("groups", names, typed=True), *more)
    )
    return forge.post_field(forge.response(recipe, sign=sign)).encode()


def floor(field: bytes, sign: forge.SignWhat) -> Callable[[], None]:
    """Return the least that anybody can do with these libraries to verify the signatures of `field`."""
    public_key = certificate().public_key
    assert isinstance(public_key, rsa.RSAPublicKey)
    padded, sha256 = padding.PKCS1v15(), hashes.SHA256()
    parser = etree.XMLParser(resolve_entities=False)

    def check(element: etree._Element) -> None:
        signature = element[1]
        signed_info = etree.tostring(signature[0], method="c14n", exclusive=True, with_comments=False)
        value = base64.b64decode(signature[1].text or "")
        element.remove(signature)
        hashlib.sha256(etree.tostring(element, method="c14n", exclusive=True, with_comments=False)).digest()
        public_key.verify(value, signed_info, padded, sha256)

    def run() -> None:
        root = etree.fromstring(base64.b64decode(field), parser)
        if sign in ("response", "both"):
            check(root)
        if sign in ("assertion", "both"):
            check(root[-1])

    return run


def ours(field: bytes) -> Callable[[], None]:
    """Return the whole verification of `field`, from the form field to the verified assertion."""
    expected = expectations()
    return lambda: void(verify_response(decode_post(field), expected))


def void(_: object) -> None:
    """Let go of a result."""


def compare(*calls: Callable[[], None], rounds: int = _ROUNDS) -> list[float]:
    """Return the CPU microseconds of each call: the best of many rounds, taken in turns."""
    best = [float("inf")] * len(calls)
    for _ in range(rounds):
        for index, call in enumerate(calls):
            start = time.process_time_ns()
            for _ in range(_CALLS):
                call()
            best[index] = min(best[index], (time.process_time_ns() - start) / _CALLS / 1000)
    return best


def report(title: str, field: bytes, sign: forge.SignWhat, rounds: int = _ROUNDS) -> None:
    """Write one line."""
    least, taken = compare(floor(field, sign), ours(field), rounds=rounds)
    ratio = f"floor {least:5.0f} us, verified in {taken:5.0f} us, ratio {least / taken:.2f}"
    sys.stdout.write(f"{title:30} {len(field) * 3 // 4:7} bytes: {ratio}\n")


def main() -> None:
    """Write the figures."""
    ways: tuple[forge.SignWhat, ...] = ("assertion", "response", "both")
    for sign in ways:
        report(f"{sign} signed", message(30, sign), sign)
    for groups, attributes in ((30, 0), (300, 0), (0, 100), (0, 1000)):
        title = f"{groups} groups, {attributes} attributes"
        report(title, message(groups, "assertion", attributes), "assertion", _ROUNDS // 4)


if __name__ == "__main__":
    main()
