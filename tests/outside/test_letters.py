"""The letters: each kind names its person, carries its link, and no name turns into markup or a header."""

from __future__ import annotations

import pytest

from vestibule.directory.one_time_links import Purpose
from vestibule.outside.letters import KINDS, write_letter

FACTS = {
    "idp": "Okta Dev",
    "day": "3 Mar 2027",
    "days": "14",
    "subject": "CN=okta",
    "fingerprint": "9F:2C",
    "environments": "DEV, PROD",
    "followed": "",
    "signing": "AA:BB",
    "encryption": "CC:DD",
    "idps": "Okta Dev",
}
URL = "https://sso.example.com/admin/link/abc"


def test_there_is_a_letter_for_every_link_that_is_posted() -> None:
    posted = set(Purpose) - {Purpose.ADMIN_FIRST_RUN, Purpose.ADMIN_RECOVERY}
    told = {"scim_held", "certificate_ends", "saml_key_ends"}
    assert {purpose.value for purpose in posted} | told == KINDS


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_letter_greets_its_reader_and_carries_its_link_once(kind: str) -> None:
    letter = write_letter(kind, name="Inês", url=URL, workspace="Northwind", facts=FACTS)
    assert "Hello Inês," in letter.text
    assert "Northwind" in letter.subject
    assert letter.text.split("\n\n").count(URL) == 1
    assert f'href="{URL}"' in letter.html
    assert "\n" not in letter.subject


@pytest.mark.parametrize("kind", ["certificate_ends", "saml_key_ends"])
@pytest.mark.parametrize(("days", "said"), [("0", "within a day:"), ("1", "in 1 day:"), ("14", "in 14 days:")])
def test_a_letter_counts_the_days_as_people_do(kind: str, days: str, said: str) -> None:
    letter = write_letter(kind, name="Inês", url=URL, workspace="Northwind", facts={**FACTS, "days": days})
    assert said in letter.text


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_hostile_name_stays_text(kind: str) -> None:
    name = '<a href="https://evil.example">Click</a> {{ 7 * 7 }} %(url)s'
    facts = {**FACTS, "subject": name, "idp": name}
    letter = write_letter(kind, name=name, url=URL, workspace="Line\r\nBcc: x@example.com", facts=facts)
    assert "evil.example&#34;" in letter.html
    assert '<a href="https://evil' not in letter.html
    assert "49" not in letter.text
    assert letter.subject.isprintable()


def test_a_kind_that_nobody_wrote_is_refused() -> None:
    with pytest.raises(KeyError):
        write_letter("../letters/admin_reset", name="x", url=URL, workspace="y")
