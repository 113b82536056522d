import inspect
import re

import pytest

from vestibule.directory import refusals
from vestibule.directory.mending import SITUATION_OF_CHECK, SITUATION_OF_ERROR, Mend, mend, situation_of
from vestibule.directory.mending_exceptions import EXCEPTIONS, HOSTED_EXCEPTIONS
from vestibule.directory.mending_rules import RULES
from vestibule.directory.refusals import DOOR_CHECKS, EntryRefusal
from vestibule.directory.vendors import VENDORS
from vestibule.saml import encryption_errors, errors
from vestibule.saml.errors import SamlError
from vestibule.saml.trace import CHECKS

VALUES = {
    "acs_url": "https://sso.northwind.example/saml/con_1/acs",
    "sp_entity_id": "https://sso.northwind.example/saml/con_1/metadata",
    "sign_in_url": "https://sso.northwind.example/e/dev/sign-in",
    "environment": "DEV",
    "email": "ada@northwind.example",
    "domain": "northwind.example",
}
SAML_ERRORS = [
    found
    for module in (errors, encryption_errors)
    for _, found in inspect.getmembers(module, inspect.isclass)
    if issubclass(found, SamlError) and found is not SamlError
]
DOOR_ERRORS = [
    found
    for _, found in inspect.getmembers(refusals, inspect.isclass)
    if issubclass(found, EntryRefusal) and found is not EntryRefusal
]
every_vendor = pytest.mark.parametrize("vendor_key", VENDORS)


def _sentence(mended: Mend) -> str:
    return "".join(text for _, text in mended.parts())


def _cause(situation: str) -> tuple[str, str]:
    """Return a check and an error code that lead to the situation."""
    for check, found in SITUATION_OF_CHECK.items():
        if found == situation:
            return check, ""
    return "", {found: code for code, found in SITUATION_OF_ERROR.items()}.get(situation, "")


def _bold(mended: Mend) -> list[str]:
    return [text for bold, text in mended.parts() if bold]


def test_a_wrong_audience_at_okta_names_the_menu_the_field_and_the_value() -> None:
    mended = mend("audience", "saml_audience", "okta", VALUES)
    assert mended.title_text() == "What to change in Okta"
    assert _sentence(mended) == (
        "Open Applications → Applications → Vestibule DEV → General → SAML Settings → Edit and replace Audience URI "
        "(SP Entity ID) with this value. Then ask the person to try again."
    )
    assert [part.is_path for part in mended.parts() if part.bold] == [True, False]
    assert mended.value_to_copy == VALUES["sp_entity_id"]
    assert mended.copy_label == "Service provider (SP) entity ID"


@every_vendor
@pytest.mark.parametrize("situation", RULES)
def test_every_situation_has_a_whole_sentence_for_every_vendor(vendor_key: str, situation: str) -> None:
    check, code = _cause(situation)
    mended = mend(check, code, vendor_key, VALUES)
    sentence = _sentence(mended)
    assert mended.situation == situation
    assert sentence.endswith(".")
    assert "**" not in sentence
    assert "%" not in sentence
    assert "  " not in sentence
    assert all(text.strip() for text in _bold(mended))
    assert mended.title_text().startswith("What ")


@pytest.mark.parametrize("name", [name for name, _ in (*CHECKS, *DOOR_CHECKS)])
def test_every_check_of_the_trace_has_a_rule_of_its_own(name: str) -> None:
    assert situation_of(name, "") != "other"


@pytest.mark.parametrize("error", SAML_ERRORS, ids=lambda error: error.__name__)
def test_every_saml_error_leads_to_a_rule(error: type[SamlError]) -> None:
    assert situation_of(error.check, error.code) in RULES
    assert situation_of(error.check, error.code) != "other"


def test_every_code_that_we_listen_for_is_one_that_is_raised() -> None:
    raised = {error.code for error in (*SAML_ERRORS, *DOOR_ERRORS)}
    assert set(SITUATION_OF_ERROR) <= raised


@pytest.mark.parametrize("error", DOOR_ERRORS, ids=lambda error: error.__name__)
def test_every_refusal_of_the_door_leads_to_a_rule(error: type[EntryRefusal]) -> None:
    assert situation_of(error.check, error.code) in set(RULES) - {"other"}
    assert error.check in {name for name, _ in (*CHECKS, *DOOR_CHECKS)}


def test_every_situation_named_anywhere_has_a_rule_and_every_rule_can_be_reached() -> None:
    named = {*SITUATION_OF_CHECK.values(), *SITUATION_OF_ERROR.values()}
    assert named | {"other"} == set(RULES)
    assert {vendor_key for vendor_key, _ in EXCEPTIONS} <= set(VENDORS)
    assert {situation for _, situation in EXCEPTIONS} | set(HOSTED_EXCEPTIONS) <= set(RULES)


def test_every_message_has_its_marks_in_pairs_and_only_known_values() -> None:
    messages = [
        *(rule.plain for rule in RULES.values()),
        *(rule.located for rule in RULES.values() if rule.located),
        *EXCEPTIONS.values(),
        *HOSTED_EXCEPTIONS.values(),
    ]
    for message in messages:
        assert message.count("**") % 2 == 0, message
        assert set(re.findall(r"%\((\w+)\)s", message)) <= {"path", "field", "setting", "app"}, message
    assert all("%(" not in rule.plain for rule in RULES.values())


def test_a_located_sentence_that_names_a_setting_is_only_used_where_the_vendor_has_one() -> None:
    for known in VENDORS.values():
        for situation, rule in RULES.items():
            concept = known.fields.get(rule.concept) if rule.concept else None
            message = EXCEPTIONS.get((known.key, situation), rule.located)
            if concept and message and "%(setting)s" in message:
                assert concept.setting, (known.key, situation)


def test_the_error_says_more_than_the_check() -> None:
    assert situation_of("signature", "saml_signature") == "signature"
    assert situation_of("signature", "saml_unsigned") == "unsigned"
    assert situation_of("signature", "saml_sha1") == "algorithm"
    assert situation_of("in_response_to", "saml_unsolicited") == "unsolicited"


def test_sha1_at_ad_fs_is_changed_on_the_advanced_tab() -> None:
    mended = mend("signature", "saml_sha1", "adfs", VALUES)
    assert "AD FS → Relying Party Trusts → Vestibule DEV → Properties → Advanced" in _bold(mended)
    assert "SHA-256" in _bold(mended)


def test_a_clock_is_looked_for_here_when_the_provider_runs_the_idp() -> None:
    assert "identity provider’s server" not in _sentence(mend("not_before", "saml_not_before", "okta", VALUES))
    assert "identity provider’s server" in _sentence(mend("not_before", "saml_not_before", "keycloak", VALUES))


def test_the_generic_answer_names_no_menu_and_no_product() -> None:
    mended = mend("audience", "saml_audience", "generic", VALUES)
    assert mended.title_text() == "What to change at the identity provider"
    assert "→" not in _sentence(mended)
    assert mended.value_to_copy == VALUES["sp_entity_id"]


def test_a_vendor_that_nobody_knows_gets_the_generic_answer() -> None:
    assert mend("audience", "saml_audience", "nobody", VALUES) == mend("audience", "saml_audience", "generic", VALUES)


def test_a_check_that_nobody_knows_gets_the_general_answer() -> None:
    mended = mend("phase-of-the-moon", "unheard-of", "okta", {})
    assert mended.situation == "other"
    assert mended.value_to_copy is None


@pytest.mark.parametrize("check", ["person", "access", "domain"])
def test_what_only_we_can_mend_is_said_to_be_ours(check: str) -> None:
    mended = mend(check, "", "okta", VALUES)
    assert mended.title_text() == "What to change in Vestibule"
    assert mended.value_to_copy in {VALUES["email"], VALUES["domain"]}


def test_a_missing_value_is_not_offered_and_breaks_nothing() -> None:
    for known in VENDORS:
        for check in SITUATION_OF_CHECK:
            mended = mend(check, "", known, {})
            assert mended.value_to_copy is None
            assert "%(" not in _sentence(mended)


def test_a_hostile_environment_name_stays_text() -> None:
    mended = mend("audience", "saml_audience", "okta", {**VALUES, "environment": "**<b>** %(path)s"})
    assert any("**<b>** %(path)s" in text for text in _bold(mended))
    assert len(mended.parts()) == len(mend("audience", "saml_audience", "okta", VALUES).parts())


def test_the_sentence_is_translated_before_it_is_filled_in() -> None:
    mended = mend("audience", "saml_audience", "okta", VALUES)
    german = {
        mended.message: "Unter **%(path)s** das Feld **%(field)s** ersetzen.",
        mended.title: "Zu ändern in %(vendor)s",
    }
    assert mended.title_text(german.__getitem__) == "Zu ändern in Okta"
    assert "".join(text for _, text in mended.parts(german.__getitem__)).startswith("Unter Applications → ")
