"""The activity in the console, over HTTP, on both engines."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.support import sign_ins
from tests.support.house import PASSWORD, Client, Server, furnish
from vestibule.directory.activity import Event, Outcome, Subject
from vestibule.flows import admins
from vestibule.flows.activity import KINDS_KNOWN
from vestibule.flows.parts.recording import record
from vestibule.storage import activity as activity_storage
from vestibule.web.console.activity_words import DONE, KINDS, REFUSED

FLOWS = Path(__file__).parents[2] / "src" / "vestibule" / "flows"
NOUNS = "admin|connection|end_user|environment|group|identity_provider|letter|workspace"


def refused(server: Server, **changes: Any) -> str:
    """Refuse a sign-in; return its reference code."""
    connection = sign_ins.connect(server.house)
    sign_ins.add_person(server.house)
    client = server.client()
    started = sign_ins.start(client)
    data = sign_ins.answer(server, connection, started.request_id, **changes)
    return sign_ins.reference_in(sign_ins.post(client, connection, data).text)


def open_entry(client: Client, query: str) -> str:
    page = client.get(f"/admin/activity?{query}").text
    found = re.search(r'href="(/admin/activity/act_\w+)"', page)
    assert found is not None, page
    return found.group(1)


def test_every_act_that_flows_record_has_a_sentence() -> None:
    recorded = set()
    for path in FLOWS.rglob("*.py"):
        text = path.read_text()
        recorded |= set(re.findall(rf'"((?:{NOUNS})\.[a-z_]+)"', text))
        calls = re.findall(r'record_connection\(\s*tx,\s*runtime,\s*caller,\s*"(\w+)"', text)
        recorded |= {f"connection.{verb}" for verb in calls}
    assert len(recorded) > 40
    assert recorded - set(DONE) - set(REFUSED) == set()


def test_the_list_says_who_did_what_to_whom_newest_first(admin_client: Client, server: Server) -> None:
    admins.invite_admin(server.house.runtime, server.house.owner, "Bo Lind", "bo@example.com", "admin")
    page = admin_client.get("/admin/activity").text
    sentences = re.findall(r'class="v-act" href="[^"]+">([^<]+)<', page)
    assert sentences[0] == "Ada Park invited Bo Lind to be an admin"
    assert sentences[1] == "Ada Park signed in to the console"
    assert sentences[-1] == "The operator created the workspace Northwind"


def test_a_refusal_opens_to_what_to_change_and_the_failed_check_with_the_difference_marked(
    admin_client: Client, server: Server
) -> None:
    audience = f"{server.base_url}/saml/WRONG/metadata"
    reference = refused(server, audiences=((audience,),))
    page = admin_client.get(open_entry(admin_client, f"q={reference}")).text.replace("<wbr>", "")
    assert f"Refused sign-in {reference}" in re.sub(r"<[^>]+>", "", page)
    assert "What to change in Okta" in page
    assert "Audience URI (SP Entity ID)" in page
    assert re.search(r'<code id="value">http[^<]+/metadata</code>', page)
    assert "E-\u2060mail typed" in page
    assert "E-\u2060mail in the assertion" not in page
    failed = page.split('class="v-failed"')[1].split("</tr>")[0]
    assert "Audience" in failed
    assert "<mark>WRONG</mark>" in failed
    assert page.count('class="v-failed"') == 1
    assert "12 passed, 1 failed, 10 not reached" in page


@pytest.mark.parametrize("written", ["{}", " {} ", "{lower}", "{bare}"])
def test_a_reference_code_is_found_however_it_was_written_down(
    admin_client: Client, server: Server, written: str
) -> None:
    code = refused(server, destination="https://else.example/")
    typed = written.format(code, lower=code.lower(), bare=code.replace("-", ""))
    page = admin_client.get("/admin/activity", params={"q": typed}).text
    assert page.count("/admin/activity/act_") == 1


def test_the_page_of_a_refusal_says_in_a_sentence_what_was_wrong(admin_client: Client, server: Server) -> None:
    reference = refused(server, audiences=(("https://else.example",),))
    page = admin_client.get(open_entry(admin_client, f"q={reference}")).text
    assert "The check “Audience” failed, so nobody was signed in. It is for another audience." in unescape(page)


def test_the_same_as_json_has_everything_and_no_secret(admin_client: Client, server: Server) -> None:
    reference = refused(server, audiences=(("https://else.example",),))
    response = admin_client.get(open_entry(admin_client, f"q={reference}") + "/json")
    assert response.headers["content-disposition"] == f'attachment; filename="vestibule-{reference}.json"'
    data = json.loads(response.text)
    assert (data["reference"], data["outcome"]) == (reference, "refused")
    assert data["details"]["code"] == "saml_audience"
    assert "SAMLResponse" not in response.text
    assert "SignatureValue" not in response.text


def test_people_are_found_by_e_mail_whether_they_have_an_account_or_not(admin_client: Client, server: Server) -> None:
    connection = sign_ins.connect(server.house)
    person = sign_ins.add_person(server.house)
    sign_ins.sign_in(server, server.client(), connection)
    sign_ins.sign_in(server, server.client(), connection, "stranger@example.com")
    known = admin_client.get("/admin/activity", params={"q": "GRACE@example.com"}).text
    assert "Grace Okafor signed in" in known
    assert "Grace Okafor was linked to an identity" in known
    assert "stranger@example.com" not in known
    assert admin_client.get("/admin/activity", params={"person": person.id}).text.count('class="v-act"') == 2
    stranger = admin_client.get("/admin/activity", params={"q": "stranger@example.com"}).text
    assert "stranger@example.com was not let in" in stranger
    assert stranger.count('class="v-act"') == 1
    mine = admin_client.get("/admin/activity", params={"q": "ada@example.com"}).text
    assert "Ada Park signed in to the console" in mine


def test_what_is_neither_code_nor_address_is_answered_with_what_would_be(admin_client: Client) -> None:
    page = admin_client.get("/admin/activity", params={"q": "<b>x"}).text
    assert "Type a reference code" in page
    assert "&lt;b&gt;x" in page


def test_filters_narrow_by_kind_environment_and_outcome(admin_client: Client, server: Server) -> None:
    refused(server, destination="https://else.example/")
    counts = {
        "outcome=refused": 1,
        "outcome=refused&environment=dev": 1,
        "outcome=refused&environment=test": 0,
        "kind=end_user.sign_in": 1,
        "kind=workspace.": 1,
        "kind=admin.&outcome=done": 2,
    }
    for query, expected in counts.items():
        assert admin_client.get(f"/admin/activity?{query}").text.count('class="v-act"') == expected, query
    everything = admin_client.get("/admin/activity").text.count('class="v-act"')
    for made_up in ("kind=x' OR 1=1", "outcome=maybe", "environment=nowhere", "person=usr_x", "before=x", "after=%00"):
        assert admin_client.get(f"/admin/activity?{made_up}").text.count('class="v-act"') == everything, made_up


def test_pages_go_forth_and_back_without_losing_or_repeating_any(admin_client: Client, server: Server) -> None:
    house = server.house
    with house.runtime.database.transaction() as tx:
        for number in range(120):
            subject = Subject("group", None, f"Group {number:03}")
            record(tx, house.runtime, house.workspace.id, house.owner.actor, Event("group.created", subject))
    seen, address, last = list[str](), "/admin/activity?kind=group.", ""
    pages = []
    while address:
        page = admin_client.get(address).text
        pages.append(re.findall(r"the group (Group \d+)", page))
        seen += pages[-1]
        found = re.search(r'href="([^"]+)" rel="next"', page)
        address = found.group(1).replace("&amp;", "&") if found else ""
        last = page
    assert seen == [f"Group {number:03}" for number in reversed(range(120))]
    found = re.search(r'href="([^"]+)" rel="prev"', last)
    assert found is not None
    back = admin_client.get(found.group(1).replace("&amp;", "&")).text
    assert re.findall(r"the group (Group \d+)", back) == pages[1]


def test_a_search_that_stopped_says_how_far_it_looked_and_leads_further(
    admin_client: Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_storage, "MOST_LOOKED_THROUGH", 3)
    house, somebody = server.house, Subject("end_user", None, "Somebody")
    with house.runtime.database.transaction() as tx:
        for event in (Event("end_user.added", somebody), Event("admin.sign_in", somebody, Outcome.REFUSED)) * 9:
            record(tx, house.runtime, house.workspace.id, house.owner.actor, event)
    address, text, pages, stops = "/admin/activity?kind=end_user.&outcome=refused", "", 0, 0
    while address:
        text = admin_client.get(address).text
        pages += 1
        stops += "Nothing is found so far. 3 entries were looked through for this page, and there are more." in text
        following = re.search(r'href="([^"]+)" rel="next">Look further', text)
        address = unescape(following[1]) if following else ""
    assert 1 < stops < pages
    assert "Nothing is found like this." in text


def test_an_entry_of_another_workspace_does_not_exist_here(server: Server) -> None:
    other = furnish(server.house.runtime, server.house.clock, ("Stage",), "Contoso")
    stranger, mine = server.client(), server.client()
    stranger.sign_in(other.owner_email, PASSWORD)
    mine.sign_in()
    path = open_entry(mine, "kind=workspace.")
    assert mine.get(path).status_code == 200
    assert stranger.get(path).status_code == 404
    assert stranger.get(path + "/json").status_code == 404
    assert stranger.get("/admin/activity/act_x").status_code == 404
    assert "Northwind" not in stranger.get("/admin/activity").text


def test_an_auditor_may_read_and_a_stranger_may_not(server: Server) -> None:
    runtime = server.house.runtime
    admins.create_admin(
        runtime, server.house.owner.actor, server.house.workspace.id, "Kim", "kim@example.com", "auditor", PASSWORD
    )
    auditor = server.client()
    auditor.sign_in("kim@example.com", PASSWORD)
    assert auditor.get("/admin/activity").status_code == 200
    assert server.client().get("/admin/activity").status_code == 303


def test_a_narrow_list_says_the_environment_beside_the_time(admin_client: Client, server: Server) -> None:
    refused(server, destination="https://else.example/")
    page = admin_client.get("/admin/activity?outcome=refused").text
    assert '<span class="v-sub v-only-narrow"><span class="v-chip">DEV</span>' in page


def test_an_app_that_is_not_known_has_no_name_in_the_list(admin_client: Client, server: Server) -> None:
    assert server.client().get("/e/dev/oauth2/authorize?client_id=app_nobody").status_code == 400
    assert ">Somebody could not be signed in to an app</a>" in admin_client.get("/admin/activity?outcome=refused").text


def test_names_and_details_are_shown_as_text(admin_client: Client, server: Server) -> None:
    house = server.house
    subject = Subject("group", None, "<img src=x onerror=alert(1)>")
    details = {
        "from": "<script>1</script>",
        "list": ["a", "<b>"],
        "map": {"x_y": None},
        "takes_over_at": "2026-11-27 08:02:03+00:00",
    }
    with house.runtime.database.transaction() as tx:
        record(
            tx,
            house.runtime,
            house.workspace.id,
            house.owner.actor,
            Event("group.unheard_of", subject, Outcome.DONE, details=details),
        )
    page = admin_client.get("/admin/activity").text + admin_client.get(open_entry(admin_client, "kind=group.")).text
    assert "<img src=x" not in page
    assert "<script>1" not in page
    assert "group.unheard_of" in page
    assert ">27 Nov 2026, 08:02:03 UTC</time>" in page


def test_every_kind_that_the_page_offers_is_one_that_it_filters_by() -> None:
    assert {kind for kind, _ in KINDS} == KINDS_KNOWN
