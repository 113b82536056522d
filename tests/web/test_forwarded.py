"""What a proxy says about a request: read strictly, and safe in an address."""

from __future__ import annotations

import pytest

from vestibule.web.forwarded import Asked, ForwardedRefused, answers_by_status, read_asked

HOST = "wiki.example.com"
FORWARDED = {
    "x-forwarded-method": "GET",
    "x-forwarded-proto": "https",
    "x-forwarded-host": HOST,
    "x-forwarded-uri": "/page?x=1",
}
ORIGINAL = {"x-original-url": f"https://{HOST}/page?x=1", "x-original-method": "GET"}


def raw(*pairs: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode("latin-1")) for name, value in pairs]


def read(headers: dict[str, str], **changes: str) -> Asked:
    changed = {**headers, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return read_asked(raw(*changed.items()))


def test_both_kinds_of_proxy_say_the_same() -> None:
    by_parts, by_url = read(FORWARDED), read(ORIGINAL)
    assert (by_parts.origin, by_parts.uri) == (by_url.origin, by_url.uri) == (f"https://{HOST}", "/page?x=1")
    assert (by_parts.by_status, by_url.by_status) == (False, True)


@pytest.mark.parametrize("name", sorted({*FORWARDED, *ORIGINAL}))
def test_a_header_that_is_missing_or_there_twice_is_refused(name: str) -> None:
    headers = FORWARDED if name in FORWARDED else ORIGINAL
    with pytest.raises(ForwardedRefused):
        read_asked(raw(*(pair for pair in headers.items() if pair[0] != name)))
    with pytest.raises(ForwardedRefused):
        read_asked(raw(*headers.items(), (name, headers[name])))


@pytest.mark.parametrize("name", sorted(set(FORWARDED) - {"x-forwarded-proto"}))
def test_headers_of_two_kinds_of_proxy_are_refused(name: str) -> None:
    with pytest.raises(ForwardedRefused):
        read_asked(raw(*ORIGINAL.items(), (name, FORWARDED[name])))
    with pytest.raises(ForwardedRefused):
        read_asked(raw(*FORWARDED.items(), ("x-original-method", "GET")))
    # Balancers in front add this one, and it decides nothing here.
    assert read_asked(raw(*ORIGINAL.items(), ("x-forwarded-proto", "http"))).scheme == "https"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-forwarded-host", f"{HOST}@evil.example"),
        ("x-forwarded-host", f"evil.example/{HOST}"),
        ("x-forwarded-host", f"{HOST}, evil.example"),
        ("x-forwarded-host", f"{HOST} "),
        ("x-forwarded-host", "127.0.0.1"),
        ("x-forwarded-host", "[::1]"),
        ("x-forwarded-host", "wiki"),
        ("x-forwarded-host", f"{HOST}:99999"),
        ("x-forwarded-host", f"{HOST}:0"),
        ("x-forwarded-host", f"{HOST}:"),
        ("x-forwarded-host", ""),
        ("x-forwarded-proto", "javascript"),
        ("x-forwarded-proto", "HTTPS"),
        ("x-forwarded-proto", "https, http"),
        ("x-forwarded-uri", "https://evil.example/"),
        ("x-forwarded-uri", "@evil.example/"),
        ("x-forwarded-uri", ".evil.example/"),
        ("x-forwarded-uri", ""),
        ("x-forwarded-method", "GET POST"),
        ("x-forwarded-method", "G" * 21),
    ],
)
def test_a_malformed_header_is_refused(name: str, value: str) -> None:
    with pytest.raises(ForwardedRefused):
        read_asked(raw(*{**FORWARDED, name: value}.items()))


@pytest.mark.parametrize("url", ["", "/page", f"//{HOST}/", f"https:{HOST}/", f"https://{HOST}", f"https://a@{HOST}/"])
def test_an_address_that_is_not_whole_is_refused(url: str) -> None:
    with pytest.raises(ForwardedRefused):
        read_asked(raw(*{**ORIGINAL, "x-original-url": url}.items()))


def test_a_host_has_one_spelling() -> None:
    assert read(FORWARDED, x_forwarded_host="Wiki.Example.COM:443").host == HOST
    assert read(FORWARDED, x_forwarded_host=f"{HOST}.").host == HOST
    assert read(FORWARDED, x_forwarded_host=f"{HOST}:80").host == f"{HOST}:80"
    assert read(FORWARDED, x_forwarded_host=f"{HOST}:80", x_forwarded_proto="http").host == HOST
    assert read(FORWARDED, x_forwarded_host=f"{HOST}:8443").host == f"{HOST}:8443"


def test_what_is_not_ascii_in_a_path_is_encoded() -> None:
    assert read(FORWARDED, x_forwarded_uri="/caf\xc3\xa9 \t?a=%20").uri == "/caf%C3%A9%20%09?a=%20"


@pytest.mark.parametrize(
    "uri",
    [
        "/.vestibule/callback/../admin?code=x",
        "/%2evestibule/callback?code=x",
        "//.vestibule/callback?code=x",
        "/.vestibule/callback/?code=x",
        "/.VESTIBULE/callback?code=x",
        "/.vestibule/callback;x?code=x",
        "/x/.vestibule/callback?code=x",
        "/.vestibule/callback#?code=x",
    ],
)
def test_a_path_that_only_looks_like_the_callback_is_none(uri: str) -> None:
    assert not read(FORWARDED, x_forwarded_uri=uri).is_callback


def test_a_callback_brings_exactly_one_code() -> None:
    callback = read(FORWARDED, x_forwarded_uri="/.vestibule/callback?code=abc")
    assert (callback.is_callback, callback.code) == (True, "abc")
    assert read(FORWARDED, x_forwarded_uri="/.vestibule/callback?code=a&code=b").code == ""
    assert read(FORWARDED, x_forwarded_uri="/.vestibule/callback").code == ""
    assert read(FORWARDED, x_forwarded_uri="/.vestibule/callback?" + "a=1&" * 50).code == ""
    # What is guarded by status is never answered with a cookie.
    assert not read(ORIGINAL, x_original_url=f"https://{HOST}/.vestibule/callback?code=abc").is_callback


def test_only_somebody_who_opens_a_page_is_sent_to_sign_in() -> None:
    page = {**FORWARDED, "sec-fetch-mode": "navigate"}
    assert read(page).opens_page
    assert read({**FORWARDED, "accept": "text/html,*/*"}).opens_page
    assert not read({**page, "sec-fetch-mode": "cors", "accept": "text/html"}).opens_page
    assert not read({**page, "x-forwarded-method": "POST"}).opens_page
    assert not read({**FORWARDED, "accept": "application/json"}).opens_page


def test_a_proxy_that_tells_by_status_is_known_even_when_the_rest_is_wrong() -> None:
    assert answers_by_status(raw(("x-original-url", "nonsense")))
    assert not answers_by_status(raw(("x-forwarded-host", HOST)))
