"""What a connection's requests ask for, over HTTP: written in the schema's order, and held against the answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from tests.saml import forge
from tests.support import sign_ins
from tests.support.house import Client, Server
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.authn_requests import NAME_ID_FORMATS, AuthnRequestOptions, Comparison
from vestibule.directory.sessions import Subject
from vestibule.kernel.ids import new_id
from vestibule.storage import activity
from vestibule.storage.identity_links import insert_identity_link
from vestibule.storage.tables import saml_keys

PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
TOKEN = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken"


def code(server: Server) -> Any:
    with server.house.runtime.database.reading() as tx:
        found = activity.page(
            tx,
            server.house.workspace.id,
            ActivityFilter(action_prefix="end_user.sign_in"),
            before=None,
            after=None,
            size=1,
        )
    return found[0].event.details["code"]


def names(root: Any) -> list[str]:
    return [child.tag.rpartition("}")[2] for child in root]


@pytest.mark.parametrize("post_only", [False, True])
def test_everything_that_is_asked_for_stands_in_the_order_of_the_schema(server: Server, post_only: bool) -> None:
    asking = AuthnRequestOptions(
        force_authn=True,
        name_id_format=NAME_ID_FORMATS[1],
        allow_create=False,
        comparison=Comparison.MINIMUM,
        context_classes=(PASSWORD, TOKEN),
    )
    sign_ins.connect(server.house, asking=asking, post_only=post_only, sign_requests=True)
    root: Any = etree.fromstring(sign_ins.start(server.client()).xml)
    signature = ["Signature"] if post_only else []
    assert names(root) == ["Issuer", *signature, "NameIDPolicy", "RequestedAuthnContext"]
    assert root.get("ForceAuthn") == "true"
    assert dict(root.find("{*}NameIDPolicy").attrib) == {"Format": NAME_ID_FORMATS[1]}
    context = root.find("{*}RequestedAuthnContext")
    assert context.get("Comparison") == "minimum"
    assert [one.text for one in context] == [PASSWORD, TOKEN]
    assert {one.tag for one in context} == {f"{{{forge.SAML}}}AuthnContextClassRef"}


def test_a_request_that_must_be_signed_with_a_key_that_does_not_open_is_refused_on_the_record(server: Server) -> None:
    connection = sign_ins.connect(server.house, sign_requests=True)
    sign_ins.start(server.client())
    with server.house.runtime.database.transaction() as tx:
        tx.execute(saml_keys.update().values(sealed_private_key=b"broken"))
    page = sign_ins.begin(server.client())
    assert page.status_code == 403
    assert "This server can’t use a key of its own" in page.text
    assert sign_ins.reference_in(page.text)
    assert code(server) == "own_key_unreadable"
    console = server.client()
    console.sign_in()
    console.get(f"/admin/connections/{connection.id}")
    told = console.post(f"/admin/connections/{connection.id}/test", {})
    assert told.status_code == 500
    assert "This server can’t sign" in told.text


def test_nothing_is_asked_for_that_nobody_chose(server: Server) -> None:
    sign_ins.connect(server.house, asking=AuthnRequestOptions(allow_create=False))
    assert names(etree.fromstring(sign_ins.start(server.client()).xml)) == ["Issuer"]


@pytest.mark.parametrize(("seconds", "status"), [(119, 303), (120, 303), (121, 403)])
def test_with_force_authn_a_sign_in_from_before_the_request_is_refused(
    server: Server, seconds: int, status: int
) -> None:
    now = server.house.clock.freeze()
    sign_ins.add_person(server.house)
    connection = sign_ins.connect(server.house, asking=AuthnRequestOptions(force_authn=True))
    client = server.client()
    request_id = sign_ins.start(client).request_id
    then = forge.instant(now - timedelta(seconds=seconds))
    data = sign_ins.answer(server, connection, request_id, authn_instant=then)
    assert sign_ins.post(client, connection, data).status_code == status
    if status == 403:
        assert code(server) == "saml_authn_too_old"


def test_without_force_authn_the_sign_in_may_be_hours_old(server: Server) -> None:
    sign_ins.add_person(server.house)
    connection = sign_ins.connect(server.house)
    client = server.client()
    then = forge.instant(server.house.clock() - timedelta(hours=5))
    data = sign_ins.answer(server, connection, sign_ins.start(client).request_id, authn_instant=then)
    assert sign_ins.post(client, connection, data).status_code == 303


@pytest.mark.parametrize(
    ("comparison", "classes", "status"),
    [
        (Comparison.EXACT, (PASSWORD,), 303),
        (Comparison.EXACT, (TOKEN, PASSWORD), 303),
        (Comparison.EXACT, (TOKEN,), 403),
        (Comparison.EXACT, (PASSWORD[:-1],), 403),
        (Comparison.EXACT, (PASSWORD.upper(),), 403),
        (Comparison.MINIMUM, (TOKEN,), 303),
        (Comparison.BETTER, (TOKEN,), 303),
    ],
)
def test_a_class_that_is_asked_for_exactly_has_to_come_back(
    server: Server, comparison: Comparison, classes: tuple[str, ...], status: int
) -> None:
    sign_ins.add_person(server.house)
    asking = AuthnRequestOptions(comparison=comparison, context_classes=classes)
    connection = sign_ins.connect(server.house, asking=asking)
    client = server.client()
    data = sign_ins.answer(server, connection, sign_ins.start(client).request_id)
    assert PASSWORD.encode() in data
    assert sign_ins.post(client, connection, data).status_code == status
    if status == 403:
        assert code(server) == "saml_authn_context"


def test_an_admin_changes_it_and_what_is_wrong_is_said_beside_its_field(server: Server, admin_client: Client) -> None:
    connection = sign_ins.connect(server.house)
    here = f"/admin/connections/{connection.id}"
    admin_client.get(f"{here}/requests")
    wrong = {"name_id_format": "transient", "comparison": "roughly", "context_classes": "not a uri\nnor <this>"}
    refused = admin_client.post(f"{here}/requests", wrong)
    assert refused.status_code == 422
    assert "Choose one of the NameID formats." in refused.text
    assert "Choose how the answer must compare." in refused.text
    assert "Write one URI a line" in refused.text
    assert "nor &lt;this&gt;" in refused.text
    typed = {
        "force_authn": "on",
        "name_id_format": NAME_ID_FORMATS[0],
        "comparison": "exact",
        "context_classes": f"{TOKEN}\r\n\r\n{TOKEN}\r\n",
    }
    assert admin_client.post(f"{here}/requests", typed).status_code == 303
    page = admin_client.get(here).text
    assert "TimeSyncToken" in page
    assert "changed what requests to Okta Dev ask for" in admin_client.get("/admin/activity").text
    root: Any = etree.fromstring(sign_ins.start(server.client()).xml)
    assert root.get("ForceAuthn") == "true"
    assert len(root.find("{*}RequestedAuthnContext")) == 1
    metadata = server.client().get(f"/saml/{connection.id}/metadata").text
    assert f"<md:NameIDFormat>{NAME_ID_FORMATS[0]}</md:NameIDFormat>" in metadata
    eleven = "\n".join(f"urn:example:{number}" for number in range(11))
    assert "ten classes" in admin_client.post(f"{here}/requests", {**typed, "context_classes": eleven}).text


def test_another_name_id_format_says_first_how_many_people_it_makes_look_new(
    server: Server, admin_client: Client
) -> None:
    connection = sign_ins.connect(server.house)
    path = f"/admin/connections/{connection.id}/requests"
    admin_client.get(path)
    typed = {"name_id_format": NAME_ID_FORMATS[1], "comparison": "exact", "context_classes": TOKEN}
    assert admin_client.post(path, {**typed, "name_id_format": NAME_ID_FORMATS[0]}).status_code == 303
    house = server.house
    for email in ("grace@example.com", "hal@example.com"):
        person, now = sign_ins.add_person(house, email), house.clock()
        with house.runtime.database.transaction() as tx:
            link_id, subject = new_id("link", now), Subject("email", email)
            assert insert_identity_link(tx, house.workspace.id, link_id, connection.id, person.id, subject, now)
    asked = admin_client.post(path, typed)
    assert "2 people are linked by the NameID that Okta Dev sends now" in asked.text
    assert TOKEN in asked.text, "nothing typed is lost"
    assert "Save all the same" in asked.text
    assert NAME_ID_FORMATS[0] in server.client().get(f"/saml/{connection.id}/metadata").text
    other = {**typed, "name_id_format": NAME_ID_FORMATS[2], "confirmed_format": NAME_ID_FORMATS[1]}
    assert "2 people are linked" in admin_client.post(path, other).text
    unset = {**typed, "name_id_format": ""}
    assert "2 people are linked" in admin_client.post(path, unset).text
    assert admin_client.post(path, {**typed, "confirmed_format": NAME_ID_FORMATS[1]}).status_code == 303
    assert NAME_ID_FORMATS[1] in server.client().get(f"/saml/{connection.id}/metadata").text
    assert admin_client.post(path, {**typed, "force_authn": "on"}).status_code == 303


def test_the_exception_for_cbc_is_named_warned_about_and_on_the_record(server: Server, admin_client: Client) -> None:
    connection = sign_ins.connect(server.house)
    here = f"/admin/connections/{connection.id}"
    assert "can be altered without anybody noticing" not in admin_client.get(here).text
    assert admin_client.post(f"{here}/encryption", {"allow_cbc": "on"}).status_code == 303
    assert "can be altered without anybody noticing" in admin_client.get(here).text
    assert admin_client.post(f"{here}/encryption", {"allow_cbc": "off"}).status_code == 303
    told = admin_client.get("/admin/activity").text
    assert "allowed AES-CBC for Okta Dev" in told
    assert "refused AES-CBC for Okta Dev" in told


def test_keys_are_shown_and_rotated_in_the_console(admin_client: Client) -> None:
    home = "/admin/settings/keys"
    page = admin_client.get(home).text
    assert page.count("In use") == 2, page
    assert "/admin/settings/keys" in admin_client.get("/admin/settings").text
    asked = admin_client.get(f"{home}/rotate").text
    assert "published at once" in asked
    assert admin_client.post(f"{home}/rotate", {"overlap_days": "soon"}).status_code == 422
    assert admin_client.post(f"{home}/rotate", {"overlap_days": "14"}).headers["location"] == home
    assert "A rotation is under way" in admin_client.get(home).text
    again = admin_client.post(f"{home}/rotate", {"overlap_days": "14"})
    assert again.status_code == 422
    assert "A rotation is under way: the new keys take over on" in again.text
    assert admin_client.post(f"{home}/rotate", {"overlap_days": "0"}).status_code == 303
    assert admin_client.get(home).text.count("In use") == 2
