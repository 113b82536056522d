import pytest

from vestibule.directory.marks import Part, fill, parts


def test_marked_words_are_bold_and_the_rest_is_plain() -> None:
    assert parts("Open **Sign On** now.") == (Part(False, "Open "), Part(True, "Sign On"), Part(False, " now."))


def test_a_part_unpacks_as_bold_and_text() -> None:
    [(bold, text)] = parts("**Next**")
    assert (bold, text) == (True, "Next")


def test_a_value_never_becomes_markup() -> None:
    assert parts("Name it %(app)s.", {"app": "**x** %(app)s <b>"}) == (Part(False, "Name it **x** %(app)s <b>."),)


def test_a_value_inside_bold_words_stays_one_bold_piece() -> None:
    assert parts("Open **%(path)s**.", {"path": "A ** B"}) == (
        Part(False, "Open "),
        Part(True, "A ** B"),
        Part(False, "."),
    )


def test_a_translation_that_lost_a_mark_is_shown_plain() -> None:
    assert parts("Open **Sign On.") == (Part(False, "Open Sign On."),)


def test_a_percent_sign_is_just_a_percent_sign() -> None:
    assert parts("100% sure, 50 %s") == (Part(False, "100% sure, 50 %s"),)


def test_a_value_that_nobody_gave_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        fill("%(app)s", {})


@pytest.mark.parametrize(
    ("part", "is_path"),
    [(Part(True, "Apps → Web"), True), (Part(True, "Apps"), False), (Part(False, "Apps → Web"), False)],
)
def test_a_bold_piece_with_arrows_is_a_path(part: Part, is_path: bool) -> None:
    assert part.is_path is is_path


def test_an_empty_message_has_no_parts() -> None:
    assert parts("") == ()
