"""What verifying one response costs, beside the floor: the least that anybody has to compute for it."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from lxml import etree

from bench.sign_ins import GROUPS
from tests.saml import forge
from vestibule.saml.certificates import parse_certificate
from vestibule.saml.responses import Expectations, decode_post, peek_response, verify_response


@dataclass(frozen=True, slots=True)
class Verification:
    """Microseconds, the median of many: all that the product does from form field to verified assertion, and the floor's steps."""

    whole: float
    steps: dict[str, float]

    @property
    def floor(self) -> float:
        """Return the sum of the floor's steps."""
        return sum(self.steps.values())


def measure(times: int) -> Verification:
    """Measure in this process, on one thread."""
    field = forge.post_field(forge.response(attributes=(*forge.DEFAULT_ATTRIBUTES, GROUPS)))
    certificate = parse_certificate(forge.key().certificate_der)
    expectations = Expectations(
        idp_entity_id=forge.IDP,
        certificates=(certificate,),
        acs_url=forge.ACS,
        sp_entity_id=forge.SP,
        in_response_to=forge.REQUEST_ID,
        now=forge.NOW,
    )
    whole = _microseconds(lambda: verify_response(peek_response(decode_post(field)), expectations), times)
    return Verification(whole, _floor(field, certificate.public_key, times))


def _floor(field: str, public_key: Any, times: int) -> dict[str, float]:
    assert isinstance(public_key, RSAPublicKey)
    data = base64.b64decode(field)
    root = etree.fromstring(data)
    signature = next(root.iter(f"{{{forge.DS}}}Signature"))
    signed_info = forge.canonical(signature[0])
    value = base64.b64decode(signature[1].text or "")
    assertion = forge.find(root, "_assertion1")
    canonical_info = _microseconds(lambda: forge.canonical(signature[0]), times)
    assertion.remove(signature)
    canonical = forge.canonical(assertion)
    verify = lambda: public_key.verify(value, signed_info, padding.PKCS1v15(), hashes.SHA256())  # noqa: E731 - as the others
    return {
        "base64": _microseconds(lambda: base64.b64decode(field), times),
        "parse": _microseconds(lambda: etree.fromstring(data), times),
        "exclusive C14N": _microseconds(lambda: forge.canonical(assertion), times) + canonical_info,
        "SHA-256": _microseconds(lambda: hashlib.sha256(canonical).digest(), times),
        "RSA verify": _microseconds(verify, times),
    }


def _microseconds(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        taken.append(time.perf_counter() - started)
    return median(taken) * 1e6
