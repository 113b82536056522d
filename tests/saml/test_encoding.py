"""Base64 as it is read: what Python's own strict decoder reads, white space aside, and nothing more."""

from __future__ import annotations

import base64
import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.saml.encoding import decode_base64, encode_base64
from vestibule.saml.errors import NotBase64

NEARLY = st.text("AQRgwz019+/=-_ \r\n\t\0é", max_size=24)


@given(st.binary(max_size=300), st.integers(1, 80))
def test_what_was_written_is_read_again_also_from_lines(data: bytes, width: int) -> None:
    text = encode_base64(data)
    assert text == base64.b64encode(data).decode()
    assert decode_base64(text) == decode_base64(text.encode()) == data
    assert decode_base64("\r\n".join(text[at : at + width] for at in range(0, len(text), width))) == data


@given(NEARLY)
def test_nothing_is_read_that_a_strict_decoder_refuses_nor_read_otherwise(text: str) -> None:
    try:
        found = decode_base64(text)
    except NotBase64:
        return
    plain = "".join(text.split())
    assert found == binascii.a2b_base64(plain, strict_mode=True)


@pytest.mark.parametrize("text", ["QQ", "QQ=", "Q===", "QUFB=", "QQ==QQ==", "=QQ=", "Q-_=", "QQ==\0", "QQ==é", "QÄ=="])
def test_what_is_not_base64_is_refused(text: str) -> None:
    with pytest.raises(NotBase64):
        decode_base64(text)
    with pytest.raises(NotBase64):
        decode_base64(text.encode())
