"""Finding messages in what people have at hand: each form as browsers, proxies and extensions write it, and bounded."""

from __future__ import annotations

import base64
import json
import time
import tracemalloc
import zlib
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.saml import forge
from vestibule.saml.captures import (
    MAX_BYTES,
    MAX_MESSAGES,
    CaptureEmpty,
    CaptureInvalid,
    CaptureTooLarge,
    find_messages,
)

RESPONSE = forge.response(sign="assertion")
FIELD = base64.b64encode(RESPONSE).decode()
ESCAPED = quote(FIELD, safe="")


def deflated(data: bytes) -> str:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return base64.b64encode(deflater.compress(data) + deflater.flush()).decode()


REDIRECT = quote(deflated(RESPONSE), safe="")
PAGE = (
    '<!DOCTYPE html><html><body onload="document.forms[0].submit()"><form method="post" action="https://sp.example/acs">'
    f'<input type="hidden" name="SAMLResponse" value="{FIELD.replace("+", "&#x2b;").replace("=", "&#61;")}"/>'
    "<input type='hidden' name='RelayState' value='tab-1'></form></body></html>"
)
HAR = json.dumps(
    {
        "log": {
            "version": "1.2",
            "entries": [
                {
                    "request": {
                        "method": "GET",
                        "url": f"https://idp.example/sso?SAMLRequest={REDIRECT}&RelayState=tab-1",
                        "queryString": [{"name": "SAMLRequest", "value": deflated(RESPONSE)}],
                    },
                    "response": {"status": 200, "content": {"mimeType": "text/html", "text": PAGE}},
                },
                {
                    "request": {
                        "method": "POST",
                        "url": "https://sp.example/acs?email=ada@example.com",
                        "postData": {
                            "mimeType": "application/x-www-form-urlencoded",
                            "params": [{"name": "SAMLResponse", "value": ESCAPED}],
                            "text": f"RelayState=tab-1&SAMLResponse={ESCAPED}",
                        },
                    },
                    "response": {"status": 303, "headers": [{"name": "location", "value": "/e/dev/"}]},
                },
            ],
        }
    }
)
SAML_TRACER = json.dumps(
    {"requests": [{"method": "POST", "url": "https://sp.example/acs", "post": [["SAMLResponse", FIELD]]}]}
)
TWO_FIELDS = json.dumps(
    {
        "log": {
            "entries": [
                {
                    "request": {
                        "postData": {
                            "text": f"SAMLResponse={ESCAPED}&RelayState=tab-1",
                            "params": [
                                {"name": "SAMLResponse", "value": ESCAPED},
                                {"name": "RelayState", "value": "tab-1"},
                            ],
                        }
                    }
                }
            ]
        }
    }
)
URL_SAFE = FIELD.replace("+", "-").replace("/", "_").rstrip("=")
JSON_ESCAPED = FIELD.replace("+", "\\u002B").replace("/", "\\/").replace("=", "\\u003d")
HIDDEN_FIELDS = (
    f"<form><input value='{FIELD}' data-name='x' NAME=\"SAMLResponse\" data-value='y' type=hidden>"
    "<input type=hidden value=tab-1 name=RelayState></form>"
)
TEXT_AREAS = (
    f'<!doctype html><form><textarea hidden name="SAMLResponse">\n{FIELD}\n</textarea>'
    "<textarea name=RelayState>tab-1</textarea></form>"
)
MULTIPART = (
    f'--x\r\nContent-Disposition: form-data; name="SAMLResponse"\r\n\r\n{FIELD}\r\n'
    '--x\r\nContent-Disposition: form-data; name="RelayState"\r\n\r\ntab-1\r\n--x--'
)
CMD = f'curl ^"https://sp.example/acs^" --data-raw ^"SAMLResponse={ESCAPED.replace("%", "^%^")}^&RelayState=tab-1^"'
XML_VIEW = f"This XML file does not appear to have any style information.\n{RESPONSE.decode()}\n"
TRACED_FIELDS = json.dumps({"requests": [{"post": [["SAMLResponse", FIELD], ["RelayState", "tab-1"]]}]})


def broken(text: str, width: int) -> str:
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))


@pytest.mark.parametrize(
    ("given", "carrier", "parameter", "relay_state"),
    [
        (RESPONSE.decode(), "xml", "", None),
        (f"\ufeff\n{RESPONSE.decode()}\n", "xml", "", None),
        (FIELD, "base64", "", None),
        ("\r\n".join(FIELD[at : at + 76] for at in range(0, len(FIELD), 76)), "base64", "", None),
        (f'"{FIELD}"', "base64", "", None),
        (ESCAPED, "base64", "", None),
        (deflated(RESPONSE), "deflated", "", None),
        (f"https://idp.example/sso?SAMLRequest={REDIRECT}&RelayState=tab%2D1", "deflated", "SAMLRequest", "tab-1"),
        (f"GET /sso?RelayState=tab-1&SAMLResponse={REDIRECT} HTTP/1.1", "deflated", "SAMLResponse", "tab-1"),
        (f"SAMLResponse={ESCAPED}&RelayState=tab-1", "base64", "SAMLResponse", "tab-1"),
        (f"RelayState=tab-1&SAMLResponse={FIELD}", "base64", "SAMLResponse", "tab-1"),
        (f"curl 'https://sp.example/acs' --data-raw 'SAMLResponse={ESCAPED}'", "base64", "SAMLResponse", None),
        (PAGE, "base64", "SAMLResponse", "tab-1"),
        (SAML_TRACER, "base64", "SAMLResponse", None),
        (TRACED_FIELDS, "base64", "SAMLResponse", None),
        (TWO_FIELDS, "base64", "SAMLResponse", "tab-1"),
        # The developer tools of Chrome, then of Firefox.
        (f"Form Data\nview source\nSAMLResponse: {FIELD}\nRelayState: tab-1\n", "base64", "SAMLResponse", "tab-1"),
        (f"view decoded\nSAMLResponse: {ESCAPED}\nRelayState: tab-1\n", "base64", "SAMLResponse", "tab-1"),
        (f"RelayState: \nSAMLResponse: {FIELD}", "base64", "SAMLResponse", ""),
        (f"SAMLResponse\n{FIELD}\nRelayState\ntab-1", "base64", "SAMLResponse", "tab-1"),
        (f"SAMLResponse:\n{FIELD}\nRelayState:\ntab-1", "base64", "SAMLResponse", "tab-1"),
        (f"SAMLRequest: {deflated(RESPONSE)}\nRelayState: tab-1", "deflated", "SAMLRequest", "tab-1"),
        (f'SAMLResponse\t"{FIELD}"\nRelayState\t"tab-1"', "base64", "SAMLResponse", "tab-1"),
        (f"SAMLResponse={FIELD}\nRelayState=tab-1", "base64", "SAMLResponse", "tab-1"),
        (CMD, "base64", "SAMLResponse", "tab-1"),
        (XML_VIEW, "xml", "", None),
        # Logs and scripts.
        (f"{{'SAMLResponse': '{FIELD}', 'RelayState': 'tab-1'}}", "base64", "SAMLResponse", "tab-1"),
        (f"[2026-01-31 12:00] POST SAMLResponse={ESCAPED}&RelayState=tab-1", "base64", "SAMLResponse", "tab-1"),
        (f'INFO {{"SAMLResponse":"{FIELD}","RelayState":"tab-1"}}', "base64", "SAMLResponse", "tab-1"),
        (json.dumps({"m": f'{{"SAMLResponse":"{FIELD}"}}'}) + "\n{}", "base64", "SAMLResponse", None),
        (f't=1 {{"SAMLResponse":"{JSON_ESCAPED}"}}', "base64", "SAMLResponse", None),
        (f"INFO form={{SAMLResponse=[{FIELD}]}}.", "base64", "SAMLResponse", None),
        (MULTIPART, "base64", "SAMLResponse", "tab-1"),
        # Pages.
        (HIDDEN_FIELDS, "base64", "SAMLResponse", "tab-1"),
        (TEXT_AREAS, "base64", "SAMLResponse", "tab-1"),
        (f"<div><input name=SAMLResponse value={FIELD}></div>", "base64", "SAMLResponse", None),
        (f'<input name="SAMLResponse"\n  value="{broken(FIELD, 76)}">', "base64", "SAMLResponse", None),
        # Base64 that lost its padding, its alphabet or its line.
        (URL_SAFE, "base64", "", None),
        (FIELD.rstrip("="), "base64", "", None),
        (broken(URL_SAFE, 64), "base64", "", None),
        (f"SAMLResponse={URL_SAFE}&RelayState=tab-1", "base64", "SAMLResponse", "tab-1"),
        (deflated(RESPONSE).replace("+", "-").replace("/", "_").rstrip("="), "deflated", "", None),
        (f"SAMLResponse: {broken(FIELD, 76)}\nRelayState: tab-1", "base64", "SAMLResponse", "tab-1"),
        (f"SAMLResponse: {broken(URL_SAFE, 76)}\nRelayState\ntab-1", "base64", "SAMLResponse", "tab-1"),
        (broken(f"SAMLResponse={ESCAPED}", 80) + "&RelayState=tab-1", "base64", "SAMLResponse", "tab-1"),
        (f"SAMLResponse: {FIELD.rstrip('=')}\nReferer\nexample", "base64", "SAMLResponse", None),
    ],
)  # fmt: skip
def test_a_message_is_found_in_each_form(given: str, carrier: str, parameter: str, relay_state: str | None) -> None:
    for form in (given, given.encode()):
        (found,) = find_messages(form)
        assert found.data == RESPONSE
        assert (found.carrier, found.parameter, found.relay_state) == (carrier, parameter, relay_state)


@pytest.mark.parametrize("prefix", ["p", "form", "html", "main"])
def test_a_message_whose_prefix_is_the_name_of_an_html_element_is_no_page(prefix: str) -> None:
    data = forge.response(samlp_prefix=prefix)
    (found,) = find_messages(data)
    assert (found.data, found.carrier) == (data, "xml")


@pytest.mark.parametrize(
    "given",
    [
        b'{"SAMLResponse": "<a>\\ud800</a>"}',
        b'{"url": "https://sp.example/?SAMLResponse=%3Ca%3E\\ud800"}',
        f'{{"text": "SAMLResponse={ESCAPED}&RelayState=\\ud800"}}'.encode(),
        f"SAMLResponse={ESCAPED}&RelayState=".encode() + b"\xff",
        f"<form><input name=SAMLResponse value={FIELD}><input name=RelayState value=".encode() + b"\xff></form>",
    ],
)
def test_half_a_character_and_bytes_that_are_no_text_are_found_and_can_be_shown(given: bytes) -> None:
    (found,) = find_messages(given)
    assert found.parameter == "SAMLResponse"
    assert (found.relay_state or "").encode() in {b"", b"?"}


def test_a_recording_of_a_browser_gives_each_message_once_and_says_where_without_the_query() -> None:
    request, response = find_messages(HAR)
    assert (request.parameter, request.place) == ("SAMLRequest", "1: GET https://idp.example/sso")
    assert request.query.startswith("SAMLRequest=")
    # The IdP's page had it first.
    assert (response.parameter, response.relay_state) == ("SAMLResponse", "tab-1")
    assert all("ada@" not in one.place for one in (request, response))


def test_a_message_can_not_hide_behind_a_form_inside_itself() -> None:
    inner = (
        f'<form xmlns="x"><input name="SAMLResponse" value="{base64.b64encode(b"<harmless/>" * 9).decode()}"/></form>'
    )
    hostile = RESPONSE.replace(
        b"<samlp:Status>", f"<samlp:Extensions>{inner}</samlp:Extensions><samlp:Status>".encode()
    )
    (found,) = find_messages(hostile)
    assert found.data == hostile


@pytest.mark.parametrize("given", ["", " \r\n", "\0"])
def test_nothing_is_nothing(given: str) -> None:
    with pytest.raises(CaptureEmpty):
        find_messages(given)


@pytest.mark.parametrize(
    "given",
    [
        "hello",
        "https://idp.example/metadata",
        "<html><body>Sign in</body></html>",
        "SAMLResponse=%%%",
        "{",
        "[" * 100_000,
        '{"log": {"entries": 7}}',
        base64.b64encode(b"\x89PNG\r\n\x1a\n" * 20).decode(),
    ],
)
def test_what_holds_no_message_is_refused_with_a_sentence(given: str) -> None:
    with pytest.raises(CaptureInvalid) as caught:
        find_messages(given)
    assert "no SAML message" in str(caught.value)


def test_size_and_number_are_bounded_before_anything_is_read() -> None:
    with pytest.raises(CaptureTooLarge):
        find_messages(b" " * (MAX_BYTES + 1))
    many = "\n".join(f"SAMLResponse={quote(base64.b64encode(b'<a>%d</a>        ' % n).decode())}" for n in range(200))
    assert len(find_messages(many)) == MAX_MESSAGES
    bomb = deflated(b"<a>" + b" " * 30_000_000)
    (found,) = find_messages(f"https://idp.example/?SAMLRequest={quote(bomb, safe='')}")
    assert len(found.data) < 3_000_000
    bombs = (deflated(b"<a>%d" % number + b" " * 1_000_000) for number in range(40))
    several = find_messages("\n".join(f"SAMLRequest={quote(bomb, safe='')}" for bomb in bombs))
    assert len(several) == 9


def test_hundreds_of_packed_messages_are_not_unpacked_beside_each_other() -> None:
    # Each of these 500 lines is four kilobytes, and two megabytes once unpacked.
    line = f"SAMLRequest={quote(deflated(b'<a>' + b' ' * 3_000_000), safe='')}\n"
    tracemalloc.start()
    try:
        assert len(find_messages(line * 500)) == 1
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "unit",
    [
        *("SAMLResponse=", "<input ", "a", "a=", "x='", "<!--", "%", '{"a":'),
        *(
            "SAMLResponse\n",
            "SAMLResponse: ",
            "RelayState=\n",
            "<textarea>",
            "<textarea name='",
            f"{'a' * 45}\n",
            f"{'a' * 45} ",
        ),
        *("<a:", "<?xml ?>", "[", "a=b ", "^%", "-_ "),
    ],
)
def test_long_rubbish_is_read_in_one_go(unit: str) -> None:
    with pytest.raises(CaptureInvalid):
        find_messages("z " + unit * (2_000_000 // len(unit)))


@pytest.mark.parametrize(
    "more", ["&SAMLResponse=a", "\nSAMLResponse=a", "&RelayState=b&SAMLResponse=a", f"&SAMLResponse={FIELD[:400]}"]
)
def test_a_word_of_a_hundred_thousand_fields_takes_no_longer_than_other_rubbish(more: str) -> None:
    # For each field the whole word was taken apart again: minutes of CPU for what a form may bring.
    before = time.process_time()
    with suppress(CaptureInvalid):
        find_messages(f"?RelayState={'r' * 200_000}" + more * (1_500_000 // len(more)))
    assert time.process_time() - before < 4


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("SAMLResponse") | st.just(FIELD),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["log", "entries", "requests", "request", "url", "name", "value", "post", "SAMLResponse"]),
            inner,
        )
    ),
    max_leaves=20,
)


@given(st.lists(_JSON) | st.dictionaries(st.sampled_from(["log", "requests"]), _JSON))
def test_any_json_is_read_or_refused_with_a_sentence(document: object) -> None:
    with suppress(CaptureInvalid):
        assert find_messages(json.dumps(document))
