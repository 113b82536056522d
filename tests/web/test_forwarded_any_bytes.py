"""Whatever bytes a proxy's headers hold: an address that every reader reads alike, or a refusal, and never another error."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tests.fuzz.targets import forwarded
from vestibule.web.forwarded import ForwardedRefused, read_asked

HOST = b"wiki.example.com"
NAMES = st.sampled_from(
    [
        b"x-original-url",
        b"x-original-method",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-forwarded-uri",
        b"x-forwarded-method",
        b"sec-fetch-mode",
        b"sec-fetch-site",
        b"accept",
        b"host",
    ]
)
VALUES = st.binary(max_size=40) | st.sampled_from(
    [HOST, b"https", b"http", b"GET", b"/page", b"https://" + HOST + b"/page"]
)
# What would make one reader see another host than the next: userinfo, lists, ports, backslashes, dots, controls, other scripts.
AROUND = st.lists(
    st.sampled_from(
        [
            b"@",
            b",",
            b" ",
            b":",
            b":443",
            b"/",
            b"\\",
            b"#",
            b"?",
            b"%2e",
            b".",
            b"\t",
            b"\0",
            b"\xe9",
            b"[",
            b"evil.example",
        ]
    ),
    max_size=4,
).map(b"".join)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_any_headers_give_an_address_or_a_refusal(headers: list[tuple[bytes, bytes]]) -> None:
    forwarded(b"\n".join(name + b": " + value for name, value in headers))


@given(before=AROUND, after=AROUND, uri=st.binary(max_size=40).map(lambda rest: b"/" + rest))
@example(before=b"", after=b"", uri=b"/")
@example(before=b"evil.example@", after=b"", uri=b"/")
@example(before=b"", after=b"@evil.example", uri=b"/")
def test_a_host_with_anything_around_it_is_never_read_as_that_host(before: bytes, after: bytes, uri: bytes) -> None:
    host = before + HOST + after
    by_parts = {
        b"x-forwarded-proto": b"https",
        b"x-forwarded-host": host,
        b"x-forwarded-uri": uri,
        b"x-forwarded-method": b"GET",
    }
    try:
        asked = read_asked(by_parts.items())
    except ForwardedRefused:
        assert before + after != b""
        return
    # A dot at the end and the scheme's own port are the same host by DNS and by RFC 3986 6.2.3; all else is another or none.
    same = host.decode("latin-1").removesuffix(":443").removesuffix(".") == HOST.decode()
    assert (asked.host == HOST.decode()) == same
