import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.attributes import (
    FORMAT_EMAIL,
    FORMAT_TRANSIENT,
    FORMAT_UNSPECIFIED,
    GROUPS_LINK_NAMES,
    GROUPS_NAMES,
    STABLE_ID_NAMES,
    email_from,
    full_name_from,
    stable_id_from,
    values_of,
)

FORMAT_PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
CLAIMS = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
ENTRA = {
    f"{CLAIMS}/emailaddress": ("Ada.Park@northwind.example",),
    f"{CLAIMS}/givenname": ("Ada",),
    f"{CLAIMS}/surname": ("Park",),
    f"{CLAIMS}/name": ("ada@northwind.onmicrosoft.example",),
    "http://schemas.microsoft.com/identity/claims/displayname": ("Ada Park",),
    "http://schemas.microsoft.com/identity/claims/objectidentifier": ("6a1f0c3e-0000-4000-8000-000000000001",),
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups": ("g-1", "g-2"),
}
SHIBBOLETH = {
    "urn:oid:0.9.2342.19200300.100.1.3": ("ada@northwind.example",),
    "urn:oid:2.5.4.42": ("Ada",),
    "urn:oid:2.5.4.4": ("Park",),
    "urn:oid:2.16.840.1.113730.3.1.241": ("Ada Park",),
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1": ("staff",),
    "urn:oasis:names:tc:SAML:attribute:subject-id": ("ada-1@northwind.example",),
}
ADFS = {
    f"{CLAIMS}/emailaddress": ("ada@northwind.example",),
    f"{CLAIMS}/name": ("Ada Park",),
    "http://schemas.xmlsoap.org/claims/Group": ("Staff",),
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/primarysid": ("S-1-5-21-1-2-3-1104",),
}
KEYCLOAK = {
    "urn:oid:1.2.840.113549.1.9.1": ("ada@northwind.example",),
    "urn:oid:2.5.4.42": ("Ada",),
    "urn:oid:2.5.4.4": ("Park",),
    "Role": ("staff", "uma_authorization"),
}
AS_NAMED = {"email": ("ada@northwind.example",), "firstName": ("Ada",), "lastName": ("Park",), "groups": ("staff",)}
ONELOGIN = {
    "User.email": ("ada@northwind.example",),
    "User.FirstName": ("Ada",),
    "User.LastName": ("Park",),
    "memberOf": ("staff",),
}
DIALECTS = {
    "entra": ENTRA,
    "shibboleth": SHIBBOLETH,
    "adfs": ADFS,
    "keycloak": KEYCLOAK,
    "okta, google, jumpcloud, pingone as mapped": AS_NAMED,
    "onelogin": ONELOGIN,
}
every_dialect = pytest.mark.parametrize("attributes", DIALECTS.values(), ids=DIALECTS)


@every_dialect
def test_every_dialect_gives_e_mail_name_and_groups(attributes: dict[str, tuple[str, ...]]) -> None:
    email = email_from("_transient", FORMAT_TRANSIENT, attributes)
    assert email is not None
    assert email.lower() in {"ada@northwind.example", "ada.park@northwind.example"}
    assert full_name_from(attributes) == "Ada Park"
    assert values_of(attributes, GROUPS_NAMES)


@every_dialect
def test_names_are_compared_without_case(attributes: dict[str, tuple[str, ...]]) -> None:
    shouted = {name.upper(): values for name, values in attributes.items()}
    assert email_from(None, None, shouted) == email_from(None, None, attributes)
    assert full_name_from(shouted) == "Ada Park"
    assert stable_id_from(shouted) == stable_id_from(attributes)


@pytest.mark.parametrize(
    ("attributes", "stable_id"),
    [
        (ENTRA, "6a1f0c3e-0000-4000-8000-000000000001"),
        (SHIBBOLETH, "ada-1@northwind.example"),
        (ADFS, "S-1-5-21-1-2-3-1104"),
        (KEYCLOAK, None),
        (AS_NAMED, None),
    ],
)
def test_the_stable_id_is_what_the_directory_never_gives_twice(
    attributes: dict[str, tuple[str, ...]], stable_id: str | None
) -> None:
    assert stable_id_from(attributes) == stable_id


@pytest.mark.parametrize(
    ("name_id", "name_id_format", "attributes", "email"),
    [
        ("ada@northwind.example", FORMAT_EMAIL, {}, "ada@northwind.example"),
        ("ada@northwind.example", FORMAT_UNSPECIFIED, {}, "ada@northwind.example"),
        ("ada@northwind.example", None, {}, "ada@northwind.example"),
        ("Ada@NORTHWIND.Example", FORMAT_EMAIL, {}, "Ada@northwind.example"),
        ("ada@northwind.example", FORMAT_EMAIL, {"email": ("other@northwind.example",)}, "ada@northwind.example"),
        ("ada", FORMAT_EMAIL, {"email": ("ada@northwind.example",)}, "ada@northwind.example"),
        ("ada@upn.example", FORMAT_UNSPECIFIED, {"email": ("ada@northwind.example",)}, "ada@northwind.example"),
        ("x1", FORMAT_PERSISTENT, {"mail": ("ada@northwind.example",)}, "ada@northwind.example"),
        (None, None, {"mail": ("", " ", "ada@northwind.example")}, "ada@northwind.example"),
        (None, None, {"mail": ("not an address",), "email": ("ada@northwind.example",)}, "ada@northwind.example"),
    ],
)
def test_the_e_mail_is_found_where_the_idp_put_it(
    name_id: str | None, name_id_format: str | None, attributes: dict[str, tuple[str, ...]], email: str
) -> None:
    assert email_from(name_id, name_id_format, attributes) == email


@pytest.mark.parametrize(
    ("name_id", "name_id_format", "attributes"),
    [
        (None, None, {}),
        ("", FORMAT_EMAIL, {}),
        ("ada", FORMAT_UNSPECIFIED, {}),
        ("ada@northwind.example", FORMAT_PERSISTENT, {}),
        ("ada@northwind.example", FORMAT_TRANSIENT, {}),
        (None, None, {"email": ()}),
        (None, None, {"email": ("ada@northwind.example, eve@attacker.example",)}),
        (None, None, {"email": ("ada@northwind.example\u202e",)}),
        (None, None, {"email": ('"ada@northwind.example"@attacker.example ',)}),
        (None, None, {"x-email": ("ada@northwind.example",)}),
    ],
)
def test_where_there_is_no_e_mail_none_is_made_up(
    name_id: str | None, name_id_format: str | None, attributes: dict[str, tuple[str, ...]]
) -> None:
    assert email_from(name_id, name_id_format, attributes) is None


@pytest.mark.parametrize(
    ("attributes", "full_name"),
    [
        ({"displayName": ("Ada  Park",)}, "Ada Park"),
        ({"givenName": ("Ada",)}, "Ada"),
        ({"sn": ("Park",)}, "Park"),
        ({"displayName": ("",), "givenName": ("Ada",), "sn": ("Park",)}, "Ada Park"),
        ({f"{CLAIMS}/name": ("ada@northwind.example",)}, None),
        ({f"{CLAIMS}/name": ("ada@northwind.example",), "givenName": ("Ada",)}, "Ada"),
        ({"displayName": ("Ada\u202ekraP",)}, None),
        ({"displayName": ("A" * 201,)}, None),
        ({"givenName": ("A" * 150,), "sn": ("B" * 150,)}, None),
        ({}, None),
    ],
)
def test_the_name_is_put_together_from_what_there_is(
    attributes: dict[str, tuple[str, ...]], full_name: str | None
) -> None:
    assert full_name_from(attributes) == full_name


@pytest.mark.parametrize("values", [("a", "b"), ("a" * 257,), ("a\x00",), ("a\u202e",)])
def test_an_identity_that_is_not_certain_is_none(values: tuple[str, ...]) -> None:
    assert stable_id_from({STABLE_ID_NAMES[0]: values, STABLE_ID_NAMES[2]: ("certain",)}) is None


def test_a_stable_id_is_kept_exactly_and_said_twice_it_is_one() -> None:
    assert stable_id_from({"subject-id": ("Ada-1 ",)}) == "Ada-1 "
    assert stable_id_from({"subject-id": ("Ada-1", "Ada-1", "")}) == "Ada-1"


@pytest.mark.parametrize("name", ["eduPersonPrincipalName", "uid", "employeeNumber", "upn", "email"])
def test_what_may_be_given_to_a_second_person_is_no_stable_id(name: str) -> None:
    assert stable_id_from({name: ("ada",)}) is None


def test_values_of_the_same_name_in_other_case_are_merged_in_order_each_once() -> None:
    assert values_of({"Role": ("b", "a"), "role": ("a", "", "c")}, ("Role",)) == ("b", "a", "c")


def test_a_link_instead_of_groups_is_not_taken_for_a_group() -> None:
    link = {GROUPS_LINK_NAMES[0]: ("https://graph.example/groups",)}
    assert values_of(link, GROUPS_NAMES) == ()
    assert values_of(link, GROUPS_LINK_NAMES) == ("https://graph.example/groups",)


@given(
    st.one_of(st.none(), st.text()),
    st.sampled_from([None, FORMAT_EMAIL, FORMAT_UNSPECIFIED, FORMAT_TRANSIENT]),
    st.dictionaries(
        st.sampled_from(["email", "mail", "displayName", "sn", "subject-id"]), st.lists(st.text(), max_size=3)
    ),
)
def test_whatever_an_assertion_holds_nothing_is_raised_and_what_comes_out_is_clean(
    name_id: str | None, name_id_format: str | None, attributes: dict[str, list[str]]
) -> None:
    email = email_from(name_id, name_id_format, attributes)
    assert email is None or email.count("@") == 1
    name = full_name_from(attributes)
    assert name is None or (name and name.isprintable())
    stable_id = stable_id_from(attributes)
    assert stable_id is None or stable_id.strip()
