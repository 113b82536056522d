"""Text from strangers: one spelling for what is one thing, and nothing hidden."""

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.kernel.text import (
    FOLD_LIMIT,
    clean_domain,
    clean_email,
    clean_name,
    email_domain,
    email_key,
    fold,
    has_unsafe_characters,
    printable,
)

ANY_TEXT = st.text(max_size=80)
DOMAINS = st.sampled_from(["example.com", "bücher.example", "例え.テスト", "a-b.co.uk", "xn--bcher-kva.example"])


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        (" Example.COM. ", "example.com"),
        ("münchen.de", "xn--mnchen-3ya.de"),
        ("MÜNCHEN.DE", "xn--mnchen-3ya.de"),
        ("xn--mnchen-3ya.de", "xn--mnchen-3ya.de"),
        # IDNA 2003 made strasse.de of this, which is another company.
        ("straße.de", "xn--strae-oqa.de"),
        ("ｅｘａｍｐｌｅ．ｃｏｍ", "example.com"),
        ("example。com", "example.com"),
        ("my--shop.example", "my--shop.example"),
    ],
)
def test_a_domain_has_one_spelling(typed: str, canonical: str) -> None:
    assert clean_domain(typed) == canonical


@pytest.mark.parametrize(
    "typed",
    [
        "",
        ".",
        "localhost",
        "example",
        "127.0.0.1",
        "a.0x7f",
        "a.0X7F",
        "[::1]",
        "-a.com",
        "a-.com",
        "a..com",
        "example.com..",
        ".example.com",
        "a_b.com",
        "a b.com",
        "a.com/path",
        "a.com:443",
        "*.example.com",
        "xn--zzzzzz.de",
        "xn--.com",
        "☃.net",
        "a\u200bb\u0000.com",
        f"{'a' * 64}.com",
        f"{'a.' * 127}com",
        "ü" * 100_000 + ".de",
    ],
)
def test_what_is_no_domain_of_the_internet_is_refused(typed: str) -> None:
    assert clean_domain(typed) is None


@given(ANY_TEXT | st.from_regex(r"[a-zé。\-xn]{1,10}(\.[a-z]{1,5}){1,3}", fullmatch=True))
def test_cleaning_a_domain_twice_changes_nothing_and_its_form_is_plain(typed: str) -> None:
    domain = clean_domain(typed)
    if domain is not None:
        assert clean_domain(domain) == domain
        assert domain.isascii()
        assert domain == domain.lower()
        assert len(domain) <= 253
        assert set(domain) <= set("abcdefghijklmnopqrstuvwxyz0123456789.-")


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("  Ines.Park@Example.COM ", "Ines.Park@example.com"),
        ("a+b_c-d'e!#$%&*/=?^`{|}~@example.com", "a+b_c-d'e!#$%&*/=?^`{|}~@example.com"),
        ("jörg@münchen.de", "jörg@xn--mnchen-3ya.de"),
        ("jo\u0308rg@example.com", "jörg@example.com"),
        ("用户@例え.テスト", "用户@xn--r8jz45g.xn--zckzah"),
    ],
)
def test_an_address_is_kept_as_typed_before_the_at_and_made_canonical_after_it(typed: str, cleaned: str) -> None:
    assert clean_email(typed) == cleaned


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@localhost",
        "ada@@example.com",
        "a@b@example.com",
        '"a@evil.example"@example.com',
        "ada@[127.0.0.1]",
        "Ada <ada@example.com>",
        "ada@example.com,bo@example.com",
        "ada(comment)@example.com",
        "a da@example.com",
        "ada@exa mple.com",
        ".ada@example.com",
        "ada.@example.com",
        "a..da@example.com",
        "ada\x00@example.com",
        "ada\r\nBcc: x@example.com",
        "ada\u202e@example.com",
        "ada\u200b@example.com",
        "ada\ud800@example.com",
        "ada＠evil.example@example.com",
        "ﬁn@example.com",
        "adaㅤ@example.com",
        "a" * 65 + "@example.com",
        "a" * 60 + "@" + "a" * 63 + "." + "b" * 63 + "." + "c" * 63 + ".example",
        "ü" * 100_000 + "@example.com",
    ],
)
def test_what_could_be_read_as_another_address_is_refused(typed: str) -> None:
    assert clean_email(typed) is None


@given(st.text(max_size=20), DOMAINS)
def test_a_cleaned_address_is_one_address_however_often_it_is_cleaned(local: str, domain: str) -> None:
    address = clean_email(f"{local}@{domain}")
    if address is not None:
        assert clean_email(address) == address
        assert address.count("@") == 1
        assert len(address.encode()) <= 254
        assert not has_unsafe_characters(address)
        assert email_domain(address) == clean_domain(domain)
        assert email_key(email_key(address)) == email_key(address)
        assert len(email_key(address).encode()) <= 2 * 254


def test_addresses_differ_by_more_than_case_when_their_letters_do() -> None:
    assert email_key("Ada@Example.com") == email_key("ada@example.com")
    assert email_key("straße@example.com") != email_key("strasse@example.com")
    assert email_key("ı@example.com") != email_key("i@example.com")


def test_folding_any_single_character_twice_changes_nothing() -> None:
    for number in range(sys.maxunicode + 1):
        folded = fold(chr(number))
        assert fold(folded) == folded, hex(number)


@given(ANY_TEXT)
def test_folding_twice_changes_nothing_and_what_differs_in_case_alone_folds_alike(text: str) -> None:
    folded = fold(text)
    assert fold(folded) == folded
    assert len(folded) <= FOLD_LIMIT
    assert "  " not in folded
    assert folded == folded.strip()
    assert fold(folded.upper().lower()) == fold(folded.lower())


@pytest.mark.parametrize(
    ("one", "other"),
    [("STRASSE", "straße"), ("Ａｄａ", "ada"), ("a\u00a0 b", "A B"), ("می\u200cخواهم", "میخواهم"), ("e\u0301", "É")],
)
def test_spellings_that_look_alike_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)


def test_a_folded_name_always_fits_an_index() -> None:
    assert len(fold("ﷺ" * 200).encode()) < 1700


@pytest.mark.parametrize("read", [fold, clean_name, email_key, clean_email])
def test_a_row_of_marks_takes_no_longer_than_other_text(read: Callable[[str], object]) -> None:
    # By the square of its length otherwise: seconds for these, hours for as many as a form may bring.
    marks = "a" + "\u0301\u0316" * 15_000
    before = time.process_time()
    read(marks)
    assert time.process_time() - before < 0.5


@pytest.mark.parametrize(
    "text",
    [
        "a\x00",
        "a\u202eb",
        "\ud800",
        "a\ue000",
        "a\u0378",
        "a\u2028b",
        "ㅤ",
        "\u2800",
        "a\u200db",
        "\u200d",
        "क\u200d",
        "a\u200cb",
    ],
)
def test_hidden_characters_are_found(text: str) -> None:
    assert has_unsafe_characters(text)


@pytest.mark.parametrize("text", ["Ada Park", "O’Brien-Łukasz", "山田 太郎", "ශ්\u200dරී", "می\u200cخواهم", "👩\u200d💻"])
def test_names_that_are_written_with_joiners_are_names(text: str) -> None:
    assert not has_unsafe_characters(text)


def test_white_space_in_a_name_is_tidied() -> None:
    assert clean_name("  Ada \t\n Park\u00a0II ") == "Ada Park II"
    assert clean_name("Zoe\u0308") == "Zoë"


@given(st.text(max_size=500), st.integers(min_value=1, max_value=100))
def test_printable_text_is_bounded_and_shows_nothing_hidden(text: str, limit: int) -> None:
    shown = printable(text, limit)
    assert len(shown) <= limit
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    shown.encode()


def test_printable_text_is_the_text_where_it_is_harmless() -> None:
    assert printable("Ada & Bo <x>") == "Ada & Bo <x>"
    assert printable("a\r\nb\u202e") == "a\\u{d}\\u{a}b\\u{202e}"
    assert printable("x" * 301) == "x" * 299 + "…"


@given(st.text(st.characters(max_codepoint=127), max_size=FOLD_LIMIT + 50))
def test_ascii_is_folded_as_everything_else_is(text: str) -> None:
    # The word joiner is a format character: it sends the text the long way, and is left out there.
    assert fold(text) == fold("\u2060" + text)
