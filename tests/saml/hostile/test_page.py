"""The page about the families is what the tests do."""

from __future__ import annotations

import re

from tests.saml.hostile.page import HOLES, PAGE, written


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == written(), "make families writes it anew"


def test_the_page_has_every_hole_with_its_messages() -> None:
    page = written()
    for cve in HOLES:
        found = re.search(rf"^\| {cve} \|.*\| (\d+) \|", page, re.MULTILINE)
        assert found
        assert int(found[1]) >= 3
