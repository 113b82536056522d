"""Just-in-time provisioning, the rules: what an assertion's groups mean, and which names a connection's mapping believes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vestibule.directory.attributes import FORMAT_EMAIL, email_from, full_name_from, stable_id_from
from vestibule.directory.mapping import FIELDS, PRESETS, AttributeMapping, mapping_from, validate_mapping
from vestibule.directory.provisioning import (
    MAX_GROUPS,
    GroupsBy,
    JitRules,
    UnknownGroups,
    groups_from,
    plan_groups,
    value_key,
)
from vestibule.directory.vendors import VENDORS
from vestibule.kernel.errors import Invalid

BY_NAME = JitRules(group_syncing=True)
BY_MAP = replace(BY_NAME, groups_by=GroupsBy.MAP)
CREATING = replace(BY_NAME, unknown_groups=UnknownGroups.CREATE)
ENTRA_GROUPS = "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups"
NAMED = {"designers": "grp_designers", "admins": "grp_admins"}


def test_a_value_means_the_group_of_its_name_without_regard_to_case() -> None:
    plan = plan_groups(["Designers", "DESIGNERS ", "unknown"], BY_NAME, {}, NAMED)
    assert (plan.group_ids, plan.create, plan.ignored) == (("grp_designers",), (), ("unknown",))


def test_the_map_comes_before_the_name() -> None:
    plan = plan_groups(["Designers"], BY_NAME, {value_key("designers"): "grp_admins"}, NAMED)
    assert plan.group_ids == ("grp_admins",)


def test_by_the_map_alone_a_name_that_an_attacker_chose_at_the_idp_means_nothing() -> None:
    plan = plan_groups(["Admins", "8d2e0d8e"], BY_MAP, {"8d2e0d8e": "grp_designers"}, {})
    assert (plan.group_ids, plan.ignored) == (("grp_designers",), ("Admins",))


def test_unknown_values_become_groups_only_where_the_admin_says_so_and_once_for_all_spellings() -> None:
    plan = plan_groups(["Team  A", "team a", "Designers", "x" * 101, "evil\u202e"], CREATING, {}, NAMED)
    assert plan.create == ("Team A",)
    assert plan.group_ids == ("grp_designers",)
    assert plan.ignored == ("x" * 101, "evil\u202e")


def test_groups_are_read_once_each_from_the_usual_names_or_from_the_one_that_is_mapped() -> None:
    attributes = {"groups": ("a", "b", "a", " "), "memberOf": ("c",), "Role": ("b",)}
    assert groups_from(attributes, AttributeMapping()).values == ("c", "a", "b")
    assert groups_from(attributes, AttributeMapping(groups="MEMBEROF")).values == ("c",)
    assert groups_from(attributes, AttributeMapping(groups="teams")).values == ()


@pytest.mark.parametrize("name", ["http://schemas.microsoft.com/claims/groups.link", f"{ENTRA_GROUPS}.link"])
def test_the_link_that_entra_sends_in_place_of_many_groups_is_noticed(name: str) -> None:
    link = {name: ("https://graph.microsoft.com/v1.0/users/1/getMemberObjects",)}
    assert groups_from(link, PRESETS["entra"]).overage
    assert not groups_from(link | {ENTRA_GROUPS: ("8d2e0d8e",)}, PRESETS["entra"]).overage
    assert not groups_from({}, PRESETS["entra"]).overage


def test_no_more_groups_are_read_than_one_sign_in_may_cost_and_the_rest_is_counted() -> None:
    sent = groups_from({"groups": tuple(f"g{n}" for n in range(MAX_GROUPS + 3))}, AttributeMapping())
    assert (len(sent.values), sent.left_out) == (MAX_GROUPS, 3)


@given(st.lists(st.text(max_size=30), max_size=8), st.dictionaries(st.text(max_size=10), st.just("grp_map")))
def test_every_value_is_joined_made_or_ignored_and_only_known_groups_are_joined(
    sent: list[str], mapped: dict[str, str]
) -> None:
    for rules in (BY_NAME, BY_MAP, CREATING):
        plan = plan_groups(sent, rules, mapped, NAMED)
        assert set(plan.group_ids) <= {*NAMED.values(), "grp_map"}
        assert set(plan.ignored) <= set(sent)
        assert not (plan.create and rules.unknown_groups is UnknownGroups.IGNORE)
        assert bool(sent) == bool(plan.group_ids or plan.create or plan.ignored)


def test_a_mapped_name_is_the_only_one_that_counts() -> None:
    attributes = {"mail": ("attacker@example.com",), "upn": ("Ada@Example.com",), "sn": ("Park",), "nick": ("Ada",)}
    mapping = AttributeMapping(email="UPN", full_name="nick", stable_id="employee")
    assert email_from("boss@example.com", FORMAT_EMAIL, attributes, mapping) == "Ada@example.com"
    assert email_from("boss@example.com", FORMAT_EMAIL, {}, mapping) is None
    assert full_name_from(attributes, mapping) == "Ada"
    assert full_name_from({"displayName": ("Someone Else",)}, mapping) is None
    assert stable_id_from({"subject-id": ("1",)}, mapping) is None
    assert stable_id_from({"employee": ("7",)}, mapping) == "7"


def test_given_and_family_name_are_put_together_where_only_they_are_mapped() -> None:
    mapping = AttributeMapping(given_name="gn", family_name="fam")
    assert full_name_from({"gn": ("Ada",), "fam": ("Park",), "displayName": ("X",)}, mapping) == "Ada Park"
    assert full_name_from({"fam": ("Park",)}, mapping) == "Park"


def test_every_product_has_a_preset_that_is_a_mapping_in_good_form() -> None:
    assert set(PRESETS) == set(VENDORS)
    for preset in PRESETS.values():
        assert validate_mapping({name: getattr(preset, name) for name in FIELDS}) == preset
        assert mapping_from(preset.as_dict()) == preset


def test_what_a_later_release_stored_is_left_out() -> None:
    assert mapping_from({"email": "mail", "department": "dept"}) == AttributeMapping(email="mail")


def test_wrong_names_are_told_field_by_field() -> None:
    with pytest.raises(Invalid) as refusal:
        validate_mapping({"email": "x" * 257, "groups": "a\u202eb", "full_name": " cn "})
    assert [error.field for error in refusal.value.errors] == ["email", "groups"]
