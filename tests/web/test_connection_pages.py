"""Authentication tab, wizard and connection page over HTTP: what is shown, kept, refused, and to whom."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from tests.saml import forge
from tests.support import metadata, sign_ins
from tests.support.house import PASSWORD, Client, Server
from vestibule.directory.connections import Connection, ConnectionStatus
from vestibule.flows import admins
from vestibule.flows.connections import change_connection
from vestibule.flows.parts.connecting import TypedConnection
from vestibule.saml.certificates import parse_certificate
from vestibule.storage import connections

TAB = "/admin/environments/dev/authentication"


@pytest.fixture
def documents() -> Iterator[metadata.Documents]:
    with metadata.serving_documents() as served:
        yield served


def send(client: Client, path: str, fields: dict[str, str], files: dict[str, bytes] | None = None) -> httpx.Response:
    """Send a form as multipart, as the second step does."""
    parts = {name: (name, content) for name, content in (files or {}).items()}
    return client.post(path, fields, files=parts or {"metadata_file": ("", b"")})


def begin(client: Client, name: str = "Okta Dev", domains: str = "example.com", environment: str = "dev") -> str:
    """Take step 1; return the path of step 2."""
    client.get(f"/admin/environments/{environment}/authentication/new")
    fields = {"name": name, "vendor": "okta", "enforce": "selected", "domains": domains}
    response = client.post(f"/admin/environments/{environment}/authentication/new", fields)
    assert response.status_code == 303, response.text
    path = response.headers["location"]
    client.get(path)
    return path


def only_connection(server: Server) -> Connection:
    with server.house.runtime.database.reading() as tx:
        (found,) = connections.list_connections(tx, server.house.workspace.id)
    return found


def text_of(response: httpx.Response) -> str:
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.text)))


def errors_at(response: httpx.Response) -> dict[str, str]:
    """Return what the page says beside its fields."""
    found = re.findall(r'id="([a-z_]+)-error">.*?<span>(.*?)</span>', response.text, re.DOTALL)
    return {name: unescape(sentence) for name, sentence in found}


def test_the_tab_shows_idps_only_once_the_switch_is_on(admin_client: Client, server: Server) -> None:
    sign_ins.connect(server.house, switched_on=False, provisioning=None)
    off = admin_client.get(TAB)
    assert 'aria-checked="false"' in off.text
    assert "Set up new provider" not in off.text
    response = admin_client.post(f"{TAB}/saml", {"saml": "on"})
    assert (response.status_code, response.headers["location"]) == (303, TAB)
    on = admin_client.get(TAB)
    assert 'aria-checked="true"' in on.text
    assert "Select an identity provider (IdP)" in on.text
    assert "Set up new provider" in on.text
    assert "Waiting for set-up" in on.text


def test_turning_on_over_active_connections_names_who_is_concerned_first(admin_client: Client, server: Server) -> None:
    house = server.house
    sign_ins.connect(house, switched_on=False)
    sign_ins.add_person(house, "one@example.com", password=sign_ins.PASSWORD)
    sign_ins.add_person(house, "two@example.org")
    admin_client.get(TAB)
    response = admin_client.post(f"{TAB}/saml", {"saml": "on"})
    assert response.headers["location"] == f"{TAB}/saml?to=on"
    assert not house.environment().saml_enabled
    page = text_of(admin_client.get(f"{TAB}/saml?to=on"))
    assert "1 person signs in through Okta Dev from then on." in page
    assert "1 person goes on as before: e-\u2060mail and password." in page
    admin_client.post(f"{TAB}/saml", {"saml": "on", "confirmed": "yes"})
    assert house.environment().saml_enabled
    assert "1 of 2 people in DEV sign in through an IdP." in text_of(admin_client.get(TAB))
    assert admin_client.get(f"{TAB}/saml?to=on").headers["location"] == TAB


def test_turning_off_names_those_who_could_no_longer_sign_in(admin_client: Client, server: Server) -> None:
    house = server.house
    sign_ins.connect(house)
    sign_ins.add_person(house, "one@example.com", password=sign_ins.PASSWORD)
    sign_ins.add_person(house, "two@example.com")
    page = text_of(admin_client.get(f"{TAB}/saml?to=off"))
    assert "2 people sign in with e-\u2060mail and password again, instead of Okta Dev." in page
    assert "1 of them has no password here and can no longer sign in until one is chosen" in page
    admin_client.post(f"{TAB}/saml", {"saml": "off", "confirmed": "yes"})
    assert not house.environment().saml_enabled


def test_step_one_keeps_what_was_typed_and_says_what_is_wrong(admin_client: Client) -> None:
    admin_client.get(f"{TAB}/new")
    fields = {"name": 'O"kta <b>', "vendor": "google", "enforce": "selected", "domains": "gmail.com, example.com"}
    response = admin_client.post(f"{TAB}/new", fields)
    assert response.status_code == 422
    assert "public mail service" in errors_at(response)["domains"]
    assert "<title>Error:" in response.text
    assert 'value="O&#34;kta &lt;b&gt;"' in response.text
    assert 'value="gmail.com, example.com"' in response.text
    assert '<option value="google" selected>' in response.text


def test_a_provider_is_set_up_by_metadata_url_shown_before_it_is_saved(
    admin_client: Client, server: Server, documents: metadata.Documents
) -> None:
    path = begin(admin_client)
    connection = only_connection(server)
    shown = admin_client.get(path).text.replace("<wbr>", "")
    assert f"{server.base_url}/saml/{connection.id}/acs" in shown
    assert f'<code id="entity">{server.base_url}/saml/{connection.id}/metadata</code>' in shown
    assert "Audience URI (SP Entity ID)" in shown
    fields = {"has_url": "yes", "way": "xml", "metadata_url": documents.url, "vendor": "okta"}
    fetched = send(admin_client, path, {**fields, "act": "fetch"})
    assert fetched.status_code == 200
    assert metadata.ENTITY_ID in fetched.text.replace("<wbr>", "")
    assert "Nothing is saved yet" in fetched.text
    assert only_connection(server).status is ConnectionStatus.DRAFT
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', fetched.text)
    assert seen is not None
    saved = send(admin_client, path, {**fields, "act": "save", "seen": seen.group(1)})
    assert (saved.status_code, saved.headers["location"]) == (303, TAB)
    assert only_connection(server).status is ConnectionStatus.PENDING
    chosen = admin_client.post(f"/admin/connections/{connection.id}/provisioning", {"mode": "manual"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, TAB)
    assert only_connection(server).status is ConnectionStatus.ACTIVE


def test_metadata_that_changed_since_it_was_shown_is_shown_again(
    admin_client: Client, server: Server, documents: metadata.Documents
) -> None:
    path = begin(admin_client)
    fields = {"has_url": "yes", "metadata_url": documents.url}
    fetched = send(admin_client, path, {**fields, "act": "fetch"})
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', fetched.text)
    assert seen is not None
    documents.document = metadata.idp_metadata("https://attacker.example")
    again = send(admin_client, path, {**fields, "act": "save", "seen": seen.group(1)})
    assert "It has changed since you saw it" in again.text
    assert "https://attacker.example" in again.text
    assert only_connection(server).status is ConnectionStatus.DRAFT


def test_an_uploaded_file_and_typed_values_set_a_provider_up(admin_client: Client, server: Server) -> None:
    path = begin(admin_client)
    file = {"metadata_file": metadata.idp_metadata().encode()}
    assert send(admin_client, path, {"has_url": "no", "way": "xml", "act": "save"}, file).status_code == 303
    first = only_connection(server)
    assert first.idp.entity_id == metadata.ENTITY_ID
    admin_client.get(path)
    values = {
        "has_url": "no",
        "way": "values",
        "sso_url": "https://new.example/sso",
        "binding": "post",
        "entity_id": "urn:new",
        "certificate": forge.key().certificate_pem,
        "act": "save",
    }
    replaced = send(admin_client, path, values)
    assert replaced.headers["location"] == f"/admin/connections/{first.id}"
    idp = only_connection(server).idp
    assert (idp.entity_id, idp.sso_redirect_url, idp.sso_post_url) == ("urn:new", None, "https://new.example/sso")


@pytest.mark.parametrize(
    ("fields", "files", "field", "part"),
    [
        ({"has_url": "yes", "metadata_url": "nonsense"}, {}, "metadata_url", "full address"),
        (
            {"has_url": "no", "way": "xml", "metadata_xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"},
            {},
            "metadata_xml",
            "DTD",
        ),
        ({"has_url": "no", "way": "xml", "metadata_xml": ""}, {}, "metadata_xml", "nothing here"),
        (
            {"has_url": "no", "way": "xml"},
            {"metadata_file": b"\x89PNG\r\n\x1a\n\xff"},
            "metadata_file",
            "not well-formed",
        ),
        ({"has_url": "no", "way": "xml"}, {"metadata_file": b"<html>Sign in</html>"}, "metadata_file", "web page"),
        (
            {"has_url": "no", "way": "xml"},
            {"metadata_file": b"<a>" + b"x" * (2 * 1024 * 1024) + b"</a>"},
            "metadata_file",
            "too large",
        ),
        (
            {"has_url": "no", "way": "values", "sso_url": "https://idp.example", "entity_id": "x"},
            {},
            "certificate",
            "no certificate",
        ),
        ({"has_url": "no"}, {}, "way", "Choose how"),
    ],
)
def test_wrong_input_of_step_two_is_said_beside_its_field_and_saves_nothing(
    admin_client: Client,
    server: Server,
    fields: dict[str, str],
    files: dict[str, bytes],
    field: str,
    part: str,
) -> None:
    path = begin(admin_client)
    response = send(admin_client, path, {**fields, "act": "save"}, files)
    assert response.status_code == 422, response.text[:300]
    assert part in errors_at(response)[field]
    for typed in (value for name, value in fields.items() if name not in {"has_url", "way"} and value):
        assert typed in unescape(response.text)
    assert only_connection(server).status is ConnectionStatus.DRAFT


def test_a_body_beyond_every_limit_is_refused_with_a_page(admin_client: Client) -> None:
    path = begin(admin_client)
    response = send(
        admin_client, path, {"has_url": "no", "way": "xml"}, {"metadata_file": b"<" * (3 * 1024 * 1024 + 1)}
    )
    assert response.status_code == 413
    assert "2 MiB" in response.text


def test_metadata_of_several_asks_for_the_entity_id_and_takes_it(admin_client: Client, server: Server) -> None:
    path = begin(admin_client)
    xml = metadata.aggregate(metadata.idp_metadata("urn:one"), metadata.idp_metadata("urn:two"))
    fields = {"has_url": "no", "way": "xml", "metadata_xml": xml, "act": "save"}
    asked = send(admin_client, path, fields)
    assert "2 entities" in errors_at(asked)["wanted_entity_id"]
    assert send(admin_client, path, {**fields, "wanted_entity_id": "urn:two"}).status_code == 303
    assert only_connection(server).idp.entity_id == "urn:two"


def test_an_idp_that_is_known_is_offered_and_taken_over(admin_client: Client) -> None:
    fields = {"has_url": "no", "way": "xml", "metadata_xml": metadata.idp_metadata(), "act": "save"}
    send(admin_client, begin(admin_client, "Okta Corporate", environment="test"), fields)
    path = begin(admin_client)
    refused = send(admin_client, path, fields)
    assert refused.status_code == 422
    assert "Okta Corporate" in refused.text
    offered = re.search(r'name="idp" value="(idp_\w+)"', refused.text)
    assert offered is not None
    adopted = admin_client.post(path, {"act": "adopt", "idp": offered.group(1)})
    assert adopted.headers["location"] == path.removesuffix("/set-up")
    page = text_of(admin_client.get(adopted.headers["location"]))
    assert "Okta Corporate" in page
    assert "also used by TEST" in page


def test_an_entity_id_that_is_known_is_said_as_soon_as_it_is_understood_and_stays_in_view(
    admin_client: Client,
) -> None:
    fields = {"has_url": "no", "way": "xml", "metadata_xml": metadata.idp_metadata()}
    send(admin_client, begin(admin_client, "Okta Corporate", environment="test"), {**fields, "act": "save"})
    path = begin(admin_client)
    for act in ("fetch", "save"):
        refused = send(admin_client, path, {**fields, "act": act})
        assert refused.status_code == 422
        assert "Okta Corporate" in errors_of_known(refused)
        assert "This is what we understood" in refused.text
        assert 'value="adopt"' in refused.text
    apart = {**fields, "keep_apart": "on"}
    fetched = send(admin_client, path, {**apart, "act": "fetch"})
    assert fetched.status_code == 200
    assert re.search(r'name="keep_apart"[^>]* checked', fetched.text)
    changed = send(admin_client, path, {**apart, "act": "save", "seen": "0" * 64})
    assert "It has changed since you saw it" in changed.text
    assert re.search(r'name="keep_apart"[^>]* checked', changed.text)
    assert send(admin_client, path, {**apart, "act": "save"}).status_code == 303


def errors_of_known(response: httpx.Response) -> str:
    """Return what the page says of an IdP that has the entity ID already."""
    found = re.search(r'v-known">.*?<p>(.*?)</p>', response.text, re.DOTALL)
    return found[1] if found else ""


def test_an_idp_is_reused_with_domains_proposed_and_values_of_its_own(admin_client: Client, server: Server) -> None:
    made = sign_ins.connect(server.house, "test", domains=("northwind.example",))
    admin_client.post(f"{TAB}/saml", {"saml": "on"})
    assert "Use in DEV" in admin_client.get(TAB).text
    page = admin_client.get(f"{TAB}/use/{made.idp.id}")
    assert 'value="northwind.example"' in page.text
    wrong = admin_client.post(f"{TAB}/use/{made.idp.id}", {"enforce": "selected", "domains": "gmail.com"})
    assert wrong.status_code == 422
    done = admin_client.post(f"{TAB}/use/{made.idp.id}", {"enforce": "selected", "domains": "northwind.example"})
    shown = admin_client.get(done.headers["location"]).text.replace("<wbr>", "")
    connection_id = done.headers["location"].rpartition("/")[2]
    assert connection_id != made.id
    assert f"/saml/{connection_id}/acs" in shown
    assert "Waiting for set-up" in shown


def test_an_edit_that_moves_people_is_saved_only_after_they_were_shown(admin_client: Client, server: Server) -> None:
    house = server.house
    made = sign_ins.connect(house)
    sign_ins.add_person(house)
    path = f"/admin/connections/{made.id}/edit"
    admin_client.get(path)
    fields = {"name": "Okta", "vendor": "okta", "enforce": "selected", "domains": "example.org"}
    asked = admin_client.post(path, fields)
    assert asked.status_code == 200
    assert "1 person signs in with e-\u2060mail and password again" in text_of(asked)
    assert only_connection(server).domains == ("example.com",)
    shown = re.search(r'name="shown" value="([0-9a-f]+)"', asked.text)
    assert shown is not None
    other = admin_client.post(path, {**fields, "domains": "example.net", "shown": shown.group(1)})
    assert other.status_code == 200
    assert only_connection(server).domains == ("example.com",)
    assert admin_client.post(path, {**fields, "shown": shown.group(1)}).status_code == 303
    assert (only_connection(server).domains, only_connection(server).idp.name) == (("example.org",), "Okta")


def test_a_name_saved_on_an_old_page_leaves_the_domains_that_were_changed_meanwhile(
    admin_client: Client, server: Server
) -> None:
    house, path = server.house, f"/admin/connections/{sign_ins.connect(server.house).id}/edit"
    page = admin_client.get(path).text
    began = {f"began_{name}": value for name, value in re.findall(r'name="began_(\w+)" value="([^"]*)"', page)}
    typed = {name.removeprefix("began_"): value for name, value in began.items()}
    assert typed == {"name": "Okta Dev", "vendor": "okta", "enforce": "selected", "domains": "example.com"}
    meanwhile = TypedConnection("Okta Dev", "okta", "selected", "example.com, example.org")
    change_connection(house.runtime, house.owner, only_connection(server).id, meanwhile)
    assert admin_client.post(path, {**typed, **began, "name": "Okta"}).status_code == 303
    saved = only_connection(server)
    assert (saved.idp.name, set(saved.domains)) == ("Okta", {"example.com", "example.org"})
    admin_client.post(path, {**typed, **began, "domains": "example.net"})
    saved = only_connection(server)
    assert (saved.idp.name, saved.domains) == ("Okta", ("example.net",))


def test_disabling_and_deleting_ask_first_and_name_the_consequences(admin_client: Client, server: Server) -> None:
    house = server.house
    made = sign_ins.connect(house)
    sign_ins.add_person(house)
    person = server.client()
    assert sign_ins.sign_in(server, person, made).status_code == 303
    here = f"/admin/connections/{made.id}"
    page = text_of(admin_client.get(f"{here}/disable"))
    assert "1 session ends at once." in page
    assert "This person has no password here" in page
    sign_ins.add_person(house, "noor@example.com", name="Noor Haddad")
    assert "None of them has a password here" in text_of(admin_client.get(f"{here}/disable"))
    assert admin_client.post(f"{here}/disable").headers["location"] == here
    assert person.get("/e/dev/").status_code == 303
    assert "goes on where it was" in text_of(admin_client.get(f"{here}/enable"))
    admin_client.post(f"{here}/enable")
    assert "1 person has signed in through it before" in text_of(admin_client.get(f"{here}/delete"))
    assert admin_client.post(f"{here}/delete").headers["location"] == TAB
    assert admin_client.get(here).status_code == 404


def test_an_expiring_certificate_is_said_in_the_list_and_on_the_page(admin_client: Client) -> None:
    path = begin(admin_client)
    xml = metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("old", days=23))
    send(admin_client, path, {"has_url": "no", "way": "xml", "metadata_xml": xml, "act": "save"})
    admin_client.post(f"{TAB}/saml", {"saml": "on"})
    for page in (TAB, path.removesuffix("/set-up")):
        assert "The signing certificate expires in 23 days" in text_of(admin_client.get(page))


def test_metadata_is_read_again_from_the_page(admin_client: Client, documents: metadata.Documents) -> None:
    path = begin(admin_client)
    send(admin_client, path, {"has_url": "yes", "metadata_url": documents.url, "act": "save"})
    here = path.removesuffix("/set-up")
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("rolled", days=700))
    admin_client.get(here)
    assert admin_client.post(f"{here}/read-again").headers["location"] == here
    assert "CN=rolled" in admin_client.get(here).text
    documents.document = metadata.idp_metadata("https://attacker.example")
    assert admin_client.post(f"{here}/read-again").headers["location"] == here
    understood = admin_client.get(here).text.split('id="understood"')[1].split("</section>")[0]
    assert metadata.ENTITY_ID in understood.replace("<wbr>", "")
    assert "attacker.example" not in understood.replace("<wbr>", "")


def test_what_metadata_says_anew_is_on_the_tab_until_it_is_approved(
    admin_client: Client, documents: metadata.Documents
) -> None:
    path = begin(admin_client)
    send(admin_client, path, {"has_url": "yes", "metadata_url": documents.url, "act": "save"})
    here = path.removesuffix("/set-up")
    admin_client.post(f"{TAB}/saml", {"saml": "on"})
    said = "The metadata says something new"
    assert said not in admin_client.get(TAB).text
    documents.document = metadata.idp_metadata(sso_url="https://other.example/sso")
    admin_client.post(f"{here}/read-again")
    assert said in admin_client.get(TAB).text
    change = re.search(r'name="change" value="([0-9a-f]{64})"', admin_client.get(here).text)
    assert change is not None
    admin_client.post(f"{here}/metadata/approve", {"change": change[1]})
    assert said not in admin_client.get(TAB).text
    assert "https://other.example/sso" in admin_client.get(here).text.replace("<wbr>", "")


def test_an_ended_certificate_is_said_to_work_or_to_be_refused_as_the_connection_is_set(admin_client: Client) -> None:
    path = begin(admin_client)
    xml = metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("old", days=-3))
    send(admin_client, path, {"has_url": "no", "way": "xml", "metadata_xml": xml, "act": "save"})
    here = path.removesuffix("/set-up")
    admin_client.post(f"{TAB}/saml", {"saml": "on"})
    for setting, sentence in (
        ("on", "Sign-ins with it are refused here."),
        ("off", "Sign-ins with it still work here."),
    ):
        admin_client.post(f"{here}/expiry", {"refuse_expired": setting})
        for page in (TAB, here):
            assert sentence in text_of(admin_client.get(page))


def test_who_only_reads_sees_everything_and_no_buttons(server: Server) -> None:
    house = server.house
    made = sign_ins.connect(house)
    admins.create_admin(
        house.runtime, house.owner.actor, house.workspace.id, "Max", "max@example.com", "auditor", PASSWORD
    )
    auditor = server.client()
    auditor.sign_in("max@example.com")
    here = f"/admin/connections/{made.id}"
    for path in (TAB, here):
        page = auditor.get(path)
        assert page.status_code == 200
        assert "Okta Dev" in page.text
        assert 'role="switch"' not in page.text
        assert not re.search(r'href="[^"]*/(set-up|edit|delete|disable|provisioning|new)"', page.text)
    for path in (
        f"{TAB}/new",
        f"{here}/edit",
        f"{here}/set-up",
        f"{here}/provisioning",
        f"{here}/delete",
        f"{TAB}/saml?to=off",
    ):
        assert auditor.get(path).status_code == 403, path
    for path, fields in (
        (f"{TAB}/saml", {"saml": "off", "confirmed": "yes"}),
        (f"{here}/delete", {}),
        (f"{here}/disable", {}),
        (f"{here}/edit", {"name": "x", "enforce": "all"}),
        (f"{here}/signing", {"sign": "on"}),
        (f"{here}/logout", {"logs_out": "off"}),
        (f"{here}/read-again", {}),
    ):
        assert auditor.post(path, fields).status_code == 403, path
    assert only_connection(server).status is ConnectionStatus.ACTIVE


def test_ids_that_are_not_here_end_on_the_page_for_that(admin_client: Client) -> None:
    for path in (
        "/admin/connections/con_0",
        "/admin/connections/con_00000000000000000000000000/edit",
        "/admin/connections/con_00000000000000000000000000/set-up",
        "/admin/environments/nowhere/authentication",
        "/admin/environments/nowhere/authentication/new",
        f"{TAB}/use/idp_00000000000000000000000000",
        f"{TAB}/idps/idp_x/delete",
        "/admin/environments/%00/authentication",
    ):
        assert admin_client.get(path).status_code == 404, path


def test_what_an_idp_says_of_itself_never_becomes_markup(admin_client: Client) -> None:
    path = begin(admin_client, name="<img src=x onerror=alert(1)>")
    values = {
        "has_url": "no",
        "way": "values",
        "binding": "redirect",
        "sso_url": "https://idp.example/?a='\"<script>",
        "entity_id": "<script>alert(1)</script>",
    }
    response = send(admin_client, path, {**values, "act": "save", "certificate": metadata.certificate_pem('"><b>evil')})
    assert "<script>alert" not in response.text
    assert "<img src" not in response.text
    values["sso_url"] = "https://idp.example/sso"
    assert (
        send(
            admin_client, path, {**values, "act": "save", "certificate": metadata.certificate_pem('"><b>evil')}
        ).status_code
        == 303
    )
    admin_client.post(f"{TAB}/saml", {"saml": "on"})
    for page in (TAB, path.removesuffix("/set-up"), path):
        shown = admin_client.get(page).text
        for markup in ("<script>alert", "<img src", "<b>evil"):
            assert markup not in shown


def test_back_from_step_two_changes_the_draft_and_comes_back(admin_client: Client, server: Server) -> None:
    path = begin(admin_client)
    edit = path.replace("set-up", "edit")
    assert f'href="{edit}">Back' in admin_client.get(path).text
    admin_client.get(edit)
    fields = {"name": "Okta", "vendor": "entra", "enforce": "all", "domains": ""}
    assert admin_client.post(edit, fields).headers["location"] == path
    draft = only_connection(server)
    assert (draft.idp.name, draft.idp.vendor, draft.all_domains, draft.domains) == ("Okta", "entra", True, ())


def test_a_certificate_is_pinned_for_metadata_by_paste_and_its_fingerprint_shown_back(
    admin_client: Client, server: Server, documents: metadata.Documents
) -> None:
    path, key = begin(admin_client), forge.key("metadata")
    named = documents.document.replace(" entityID", ' ID="_m" entityID', 1)
    documents.document = forge.sign_xml(named, "_m", forge.Signing(key=key)).decode()
    fingerprint = parse_certificate(key.certificate_der).fingerprint
    fields = {"has_url": "yes", "metadata_url": documents.url, "metadata_certificate": key.certificate_pem}
    shown = send(admin_client, path, {**fields, "act": "fetch"})
    assert f"SHA-256 {fingerprint}" in shown.text
    assert send(admin_client, path, {**fields, "act": "save"}).status_code == 303
    connection = only_connection(server)
    assert connection.idp.metadata_certificate == key.certificate_der
    page = admin_client.get(f"/admin/connections/{connection.id}").text
    assert f"SHA-256 {fingerprint}" in page
    assert key.certificate_pem.strip().splitlines()[1] in admin_client.get(path).text
    documents.document = named
    admin_client.get(f"/admin/connections/{connection.id}")
    refused = admin_client.post(f"/admin/connections/{connection.id}/read-again")
    assert refused.status_code == 422
    assert "not signed as a whole" in refused.text
    errors = errors_at(send(admin_client, path, {**fields, "metadata_certificate": "nonsense", "act": "save"}))
    assert set(errors) == {"metadata_certificate"}
