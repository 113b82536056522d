import re
from pathlib import Path

import pytest

from vestibule.directory.mending import SITUATION_OF_CHECK
from vestibule.directory.refusals import DOOR_CHECKS
from vestibule.directory.vendors import GENERIC, VENDORS, Vendor, app_name, parts, vendor, vendor_for
from vestibule.saml.trace import CHECKS

DOCS = Path(__file__).parents[2] / "docs"
KEYS = ["okta", "entra", "google", "onelogin", "jumpcloud", "pingone", "adfs", "keycloak", "shibboleth", "generic"]
every_vendor = pytest.mark.parametrize("known", VENDORS.values(), ids=VENDORS)


def _text(message: str) -> str:
    return "".join(text for _, text in parts(message, {"app": "Vestibule DEV"}))


def test_the_ten_vendors_are_there_in_the_order_of_the_list_and_generic_is_last() -> None:
    assert list(VENDORS) == KEYS
    assert [known.key for known in VENDORS.values()] == KEYS


@every_vendor
def test_every_vendor_says_what_to_paste_and_what_to_bring_back(known: Vendor) -> None:
    told = " ".join(_text(step.text) for step in known.steps)
    assert 4 <= len(known.steps) <= 5
    assert "SP metadata" in told or ("Single sign-on URL" in told and "SP entity ID" in told)
    assert re.search(r"\bbring\b", told, re.IGNORECASE)
    assert known.note


@every_vendor
def test_every_step_and_note_has_its_marks_in_pairs_and_only_the_app_to_fill_in(known: Vendor) -> None:
    for message in (*(step.text for step in known.steps), known.note):
        assert message.count("**") % 2 == 0
        assert set(re.findall(r"%\((\w+)\)s", message)) <= {"app"}
        assert "<" not in message.replace("<b>", "")
        assert _text(message).endswith(".")


@every_vendor
def test_every_step_is_one_sentence(known: Vendor) -> None:
    sentences = [re.split(r"(?<=[a-z\"])\. (?=[A-Z])", _text(step.text)) for step in known.steps]
    assert all(len(found) <= 2 for found in sentences)


@every_vendor
def test_every_vendor_but_the_generic_one_names_the_fields_that_a_refusal_needs(known: Vendor) -> None:
    needed = {
        "acs_url",
        "sp_entity_id",
        "recipient",
        "destination",
        "name_id",
        "email",
        "signing",
        "certificate",
        "issuer",
    }
    assert needed <= set(known.fields) or known is GENERIC
    for concept, field in known.fields.items():
        assert field.name, concept
        assert field.path, concept
        assert "**" not in field.name + field.path + field.setting


@every_vendor
def test_every_vendor_has_a_page_that_names_its_menus_and_its_fields(known: Vendor) -> None:
    text = (DOCS / known.how_to).read_text()
    assert text.startswith(f"# Connect {'any SAML 2.0 identity provider' if known is GENERIC else known.name}\n")
    page = " ".join(text.split())
    for concept in ("acs_url", "sp_entity_id", "name_id"):
        if concept in known.fields:
            assert known.fields[concept].name in page, concept


@every_vendor
def test_every_page_has_the_same_sections(known: Vendor) -> None:
    page = (DOCS / known.how_to).read_text()
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == [
        "What you need",
        "Set it up",
        "NameID and signing",
        "Attributes",
        "Test",
        "When it is refused",
        "A new certificate",
    ]


def test_the_index_links_every_page_and_every_link_leads_somewhere() -> None:
    index = (DOCS / "how-to" / "README.md").read_text()
    linked = re.findall(r"\]\(([^)#]+)\)", index)
    assert {Path(known.how_to).name for known in VENDORS.values()} <= set(linked)
    assert [link for link in linked if not (DOCS / "how-to" / link).exists()] == []


def test_the_app_is_named_after_the_environment() -> None:
    assert app_name("DEV") == "Vestibule DEV"
    assert app_name(None) == "Vestibule"


def test_a_key_that_nobody_knows_is_generic() -> None:
    assert vendor("okta").name == "Okta"
    assert vendor("nobody") is GENERIC


@pytest.mark.parametrize(
    ("idp_entity_id", "sso_url", "key"),
    [
        ("http://www.okta.com/exk1fcia6d6EMsf331d8", "https://acme.okta.com/app/x/exk/sso/saml", "okta"),
        (None, "https://acme.oktapreview.com/app/x/sso/saml", "okta"),
        ("http://www.okta.com/exk1", "https://login.acme.example/app/x/sso/saml", "okta"),
        ("https://sts.windows.net/6a1f/", "https://login.microsoftonline.com/6a1f/saml2", "entra"),
        ("https://login.microsoftonline.us/6a1f/", None, "entra"),
        (
            "https://accounts.google.com/o/saml2?idpid=C01",
            "https://accounts.google.com/o/saml2/idp?idpid=C01",
            "google",
        ),
        ("https://app.onelogin.com/saml/metadata/123", None, "onelogin"),
        ("acme-vestibule", "https://sso.jumpcloud.com/saml2/acme", "jumpcloud"),
        ("https://auth.pingone.eu/6a1f", None, "pingone"),
        ("https://auth.pingone.com.au/6a1f", None, "pingone"),
        ("http://adfs.acme.example/adfs/services/trust", "https://adfs.acme.example/adfs/ls/", "adfs"),
        ("HTTP://ADFS.ACME.EXAMPLE/ADFS/SERVICES/TRUST", None, "adfs"),
        ("https://id.acme.example/realms/staff", "https://id.acme.example/realms/staff/protocol/saml", "keycloak"),
        ("https://id.acme.example/auth/realms/staff", None, "keycloak"),
        ("acme", "https://id.acme.example/realms/staff/protocol/saml", "keycloak"),
        ("https://idp.acme.example/idp/shibboleth", None, "shibboleth"),
        (None, "https://idp.acme.example/idp/profile/SAML2/Redirect/SSO", "shibboleth"),
        ("https://idp.acme.example/simplesaml/saml2/idp/metadata.php", None, "shibboleth"),
        (None, "https://idp.acme.example/module.php/saml/idp/singleSignOnService", "shibboleth"),
        ("https://idp.acme.example/saml", "https://idp.acme.example/saml/sso", "generic"),
        ("", "", "generic"),
        (None, None, "generic"),
    ],
)
def test_a_vendor_is_recognised_by_its_entity_id_or_its_sign_on_url(
    idp_entity_id: str | None, sso_url: str | None, key: str
) -> None:
    assert vendor_for(idp_entity_id, sso_url) == key


@pytest.mark.parametrize(
    "unverified",
    [
        "https://okta.com.attacker.example/app",
        "https://notokta.com/app",
        "https://attacker.example/?x=okta.com",
        "https://accounts.google.com.attacker.example/o/saml2",
        "https://attacker.example#https://sts.windows.net/",
        "https://[not-an-address/adfs/ls",
        "/adfs/services/trust",
        "okta.com",
        "\x00",
        "https://" + "a" * 10_000,
    ],
)
def test_a_look_alike_is_no_vendor_and_nonsense_raises_nothing(unverified: str) -> None:
    assert vendor_for(unverified, unverified) == "generic"


@pytest.mark.parametrize("page", sorted(DOCS.glob("how-to/connect-*.md")), ids=lambda page: page.stem)
def test_every_check_that_a_page_names_is_one_that_a_refusal_can_show(page: Path) -> None:
    refused = page.read_text().partition("## When it is refused")[2].partition("## A new certificate")[0]
    rows = re.findall(r"^\| (`[^|]+) \|", refused, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z_]+)`", row)}
    assert named
    assert named <= set(SITUATION_OF_CHECK)


def test_the_explanation_has_every_check_in_its_order_with_its_title() -> None:
    page = (DOCS / "explanation" / "saml-security.md").read_text()
    rows = re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \|", page, re.MULTILINE)
    assert tuple(rows) == (*CHECKS, *DOOR_CHECKS)
