"""Adding end users by hand: what is written, what is refused beside its field, who gets an invitation."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.support.house import House, TestClock, furnish, make_runtime
from tests.support.people import add_person, connect, group_of, knock
from vestibule.directory.activity import ActivityFilter, Entry
from vestibule.directory.admins import Role
from vestibule.directory.end_users import AccessDraft, EndUser, EndUserDraft, EndUserFilter, EndUserStatus
from vestibule.directory.one_time_links import Purpose
from vestibule.directory.sessions import KnockReason
from vestibule.directory.sources import Source
from vestibule.flows import end_users
from vestibule.flows.parts.callers import AdminCaller
from vestibule.flows.parts.people import EmailTaken, HandedOut
from vestibule.flows.parts.posting import LETTER_JOB, open_letter
from vestibule.kernel.errors import Forbidden, Invalid
from vestibule.kernel.secrets import token_hash
from vestibule.storage import access, activity, jobs, knocks, one_time_links
from vestibule.storage.groups import list_group_names


def add(house: House, draft: EndUserDraft, knock_id: str = "") -> tuple[EndUser, HandedOut | None]:
    return end_users.add_end_user(house.runtime, house.owner, draft, knock_id)


def entries(house: House, subject_id: str) -> list[Entry]:
    with house.runtime.database.reading() as tx:
        wanted = ActivityFilter(subject_id=subject_id)
        return list(activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=50))


def listed(house: House) -> list[str]:
    page = end_users.list_end_users(house.runtime, house.owner, EndUserFilter()).page
    return [row.end_user.email for row in page.rows]


def refused(house: House, draft: EndUserDraft) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        add(house, draft)
    assert listed(house) == []
    return {error.field: str(error) for error in caught.value.errors}


def test_a_person_is_in_everyone_of_each_environment_ticked_and_in_the_groups_chosen(house: House) -> None:
    designers = group_of(house, "dev")
    dev, prod = house.environments["dev"].id, house.environments["prod"].id
    draft = EndUserDraft(
        "  Maya   Lindqvist ", "Maya@EXAMPLE.com ", (AccessDraft(dev, group_ids=(designers.id,)), AccessDraft(prod))
    )
    person, _ = add(house, draft)
    assert (person.full_name, person.email) == ("Maya Lindqvist", "Maya@example.com")
    assert (person.status, person.source) == (EndUserStatus.INVITED, Source.MANUAL)
    with house.runtime.database.reading() as tx:
        entered = access.access_of(tx, house.workspace.id, person.id)
        joined = access.memberships_of(tx, house.workspace.id, person.id)
        everyone = [group for group in list_group_names(tx, house.workspace.id) if group.built_in]
    assert [(one.environment_id, one.source) for one in entered] == [(dev, Source.MANUAL), (prod, Source.MANUAL)]
    assert [(one.group_id, one.source) for one in joined] == [(designers.id, Source.MANUAL)]
    for group in everyone:
        found = end_users.list_end_users(house.runtime, house.owner, EndUserFilter(group_id=group.id)).page.rows
        assert len(found) == (group.environment_id in {dev, prod})
    actions = [entry.event.action for entry in reversed(entries(house, person.id))]
    assert actions == [
        "end_user.added",
        "end_user.access_granted",
        "end_user.group_joined",
        "end_user.access_granted",
        "end_user.link_made",
    ]


def test_nobody_has_access_by_default(house: House) -> None:
    person, link = add(house, EndUserDraft("Maya", "maya@example.com", ()))
    with house.runtime.database.reading() as tx:
        assert access.access_of(tx, house.workspace.id, person.id) == ()
    assert link is None


def test_a_duplicate_address_is_refused_beside_its_field_and_names_who_has_it(house: House) -> None:
    maya = add_person(house, "Maya Lindqvist", "maya@example.com")
    with pytest.raises(Invalid) as caught:
        add(house, EndUserDraft("Maja", "MAYA@Example.COM", ()))
    (error,) = caught.value.errors
    assert isinstance(error, EmailTaken)
    assert (error.field, error.holder.id) == ("email", maya.id)
    assert str(error) == "Maya Lindqvist already has this e-mail address."
    assert listed(house) == ["maya@example.com"]


@pytest.mark.parametrize(
    ("name", "email", "fields"),
    [
        ("", "", {"name", "email"}),
        ("   ", "maya@example.com", {"name"}),
        ("Maya", "maya", {"email"}),
        ("Maya", "maya@", {"email"}),
        ("Maya", "maya@localhost", {"email"}),
        ("Maya", "maya@example.com,eve@evil.example", {"email"}),
        ("Maya", '"maya"@example.com', {"email"}),
        ("Maya", "maya\n@example.com", {"email"}),
        ("M" * 201, "maya@example.com", {"name"}),
        ("Maya", f"{'m' * 65}@example.com", {"email"}),
        ("Maya", f"maya@{'e' * 250}.com", {"email"}),
        ("May\u202ea", "maya@example.com", {"name"}),
        ("Maya\x00", "maya@example.com", {"name"}),
        ("Maya", "ma\u202eya@example.com", {"email"}),
        ("Maya\ud800", "maya@example.com", {"name"}),
    ],
)
def test_what_was_typed_wrong_is_refused_field_by_field(house: House, name: str, email: str, fields: set[str]) -> None:
    assert set(refused(house, EndUserDraft(name, email, ()))) == fields


@pytest.mark.parametrize(
    ("name", "email"),
    [
        ("👩🚀 Ada", "a@b.example"),
        ("李小龍", "li@例え.jp"),
        ("O’Brien-Smith Jr.", "o'b+x@example.com"),
        ("N" * 200, "n@example.com"),
    ],
)
def test_names_and_addresses_of_every_script_are_welcome(house: House, name: str, email: str) -> None:
    person, _ = add(house, EndUserDraft(name, email, ()))
    assert person.full_name == name


def test_a_group_beside_an_unticked_environment_is_refused_and_an_empty_choice_is_not(house: House) -> None:
    designers, dev = group_of(house, "dev"), house.environments["dev"].id
    draft = EndUserDraft("Maya", "maya@example.com", (AccessDraft(dev, False, (designers.id,)),))
    assert refused(house, draft) == {
        f"group_{dev}": "Tick DEV first: only people with access to it can be in its groups."
    }
    add(house, EndUserDraft("Maya", "maya@example.com", (AccessDraft(dev, False, ()), AccessDraft(dev, False, ("",)))))
    assert listed(house) == ["maya@example.com"]


def test_made_up_ids_and_those_of_another_workspace_write_nothing(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Other")
    theirs = next(iter(other.environments.values()))
    with house.runtime.database.reading() as tx:
        everyone = next(one for one in list_group_names(tx, house.workspace.id) if one.built_in)
        their_group = list_group_names(tx, other.workspace.id)[0]
    dev, in_test = house.environments["dev"].id, group_of(house, "test").id
    for environment_id in (theirs.id, "env_nothing", "", "' OR 1=1", "x" * 10_000):
        assert set(refused(house, EndUserDraft("M", "m@example.com", (AccessDraft(environment_id),)))) == {
            "environment"
        }
    for group_id in (in_test, everyone.id, their_group.id, "grp_nothing", "x" * 10_000):
        draft = EndUserDraft("M", "m@example.com", (AccessDraft(dev, group_ids=(group_id,)),))
        assert set(refused(house, draft)) == {f"group_{dev}"}


def test_two_clicks_at_the_same_moment_add_one_person(house: House) -> None:
    draft = EndUserDraft("Maya", "maya@example.com", (AccessDraft(house.environments["dev"].id),))
    start = threading.Barrier(4)

    def click(_: int) -> str:
        start.wait()
        try:
            return add(house, draft)[0].id
        except Invalid as error:
            return type(error.errors[0]).__name__

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(click, range(4)))
    assert answers.count("EmailTaken") == 3
    assert listed(house) == ["maya@example.com"]


def test_whoever_may_use_a_password_gets_a_link_that_works_for_seven_days(house: House) -> None:
    now = house.clock.freeze()
    person, link = add(house, EndUserDraft("Maya", "maya@example.com", (AccessDraft(house.environments["test"].id),)))
    assert link
    assert link.url
    assert link.url.startswith(f"{house.runtime.public_url}/e/test/link/")
    hashed = token_hash(link.url.rpartition("/")[2])
    with house.runtime.database.reading() as tx:
        kept = one_time_links.find_link(tx, hashed, now)
        assert kept
        assert (kept.purpose, kept.end_user_id) == (Purpose.END_USER_INVITATION, person.id)
        assert kept.environment_id == house.environments["test"].id
        house.clock.advance(days=7)
        assert one_time_links.find_link(tx, hashed, house.clock()) is None
    assert not any(link.url.rpartition("/")[2] in str(entry) for entry in entries(house, person.id))


def test_whoever_must_use_saml_everywhere_they_may_enter_gets_no_link(house: House) -> None:
    connect(house, "dev", "Okta Dev", domains=("example.com",))
    dev, test = house.environments["dev"].id, house.environments["test"].id
    assert add(house, EndUserDraft("A", "a@example.com", (AccessDraft(dev),)))[1] is None
    _, of_other_domain = add(house, EndUserDraft("B", "b@other.example", (AccessDraft(dev),)))
    assert of_other_domain
    _, elsewhere = add(house, EndUserDraft("C", "c@example.com", (AccessDraft(dev), AccessDraft(test))))
    assert elsewhere
    assert elsewhere.url
    assert "/e/test/link/" in elsewhere.url


def test_where_mail_works_the_link_goes_to_its_owner_alone(database_url: str, clock: TestClock) -> None:
    runtime = make_runtime(database_url, clock, mail_enabled=True)
    house = furnish(runtime, clock)
    _, link = add(house, EndUserDraft("Maya", "maya@example.com", (AccessDraft(house.environments["dev"].id),)))
    assert link
    assert link.url is None
    with runtime.database.transaction() as tx:
        job = jobs.lease(tx, clock(), timedelta(minutes=1))
    assert job
    letter = open_letter(runtime, job)
    assert (job.kind, letter.kind, letter.to_email) == (LETTER_JOB, "end_user_invitation", "maya@example.com")
    assert "/e/dev/link/" in letter.url
    runtime.database.close()


def test_adding_somebody_who_waits_lets_them_wait_no_longer_where_they_may_enter_now(house: House) -> None:
    in_dev, in_test = connect(house, "dev", "Okta Dev"), connect(house, "test", "Okta Test")
    waiting = knock(house, in_dev, "Jonas Berg", "jonas@example.com", "1")
    knock(house, in_dev, "Jonas Berg", "JONAS@example.com", "other spelling")
    elsewhere = knock(house, in_test, "Jonas Berg", "jonas@example.com", "1")
    somebody = knock(house, in_dev, "Priya", "priya@example.com", "2")
    add(
        house, EndUserDraft("Jonas Berg", "jonas@example.com", (AccessDraft(house.environments["dev"].id),)), waiting.id
    )
    with house.runtime.database.reading() as tx:
        left = {one.id for one in knocks.list_knocks(tx, house.workspace.id, size=10)}
    assert left == {elsewhere.id, somebody.id}


def test_a_newcomer_with_a_reused_address_is_let_in_only_as_a_person_of_their_own(house: House) -> None:
    connection = connect(house)
    old = add_person(house, "Old", "shared@example.com", "test")
    waiting = knock(house, connection, "New", "shared@example.com", "9", KnockReason.ADDRESS_REUSED, old.id)
    # Giving the old account access answers nothing: the newcomer is not its owner.
    from vestibule.flows.parts.people import give_access  # noqa: PLC0415 - for this one question

    with house.runtime.database.transaction() as tx:
        give_access(tx, house.runtime, house.owner, old, house.environments["dev"])
        assert knocks.find_knock(tx, house.workspace.id, waiting.id)
    with pytest.raises(Invalid):
        add(house, EndUserDraft("New", "shared@example.com", (AccessDraft(house.environments["dev"].id),)), waiting.id)
    with house.runtime.database.reading() as tx:
        assert knocks.find_knock(tx, house.workspace.id, waiting.id)


@pytest.mark.parametrize(
    ("role", "may"), [(Role.OWNER, True), (Role.ADMIN, True), (Role.SUPPORT, True), (Role.AUDITOR, False)]
)
def test_an_auditor_reads_and_adds_nobody(house: House, role: Role, may: bool) -> None:
    caller = house.caller(replace(house.owner.admin, role=role))
    assert end_users.list_end_users(house.runtime, caller, EndUserFilter()).total == 0
    draft = EndUserDraft("Maya", "maya@example.com", ())
    if may:
        end_users.add_end_user(house.runtime, caller, draft)
    else:
        _add_is_forbidden(house, caller, draft)


def _add_is_forbidden(house: House, caller: AdminCaller, draft: EndUserDraft) -> None:
    with pytest.raises(Forbidden):
        end_users.add_end_user(house.runtime, caller, draft)
    with pytest.raises(Forbidden):
        end_users.list_choices(house.runtime, caller)
    assert listed(house) == []
