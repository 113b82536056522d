"""The IdP's values: every way to bring them, every mistake beside its field, and reading metadata again."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.saml import forge
from tests.support import metadata
from tests.support.house import PASSWORD, House, furnish
from vestibule.directory.activity import ActivityFilter
from vestibule.directory.connections import Connection, ConnectionStatus, IdpValues
from vestibule.flows import admins, connection_set_up, connections, idp_values
from vestibule.flows.parts.callers import operator
from vestibule.flows.parts.connecting import TypedConnection
from vestibule.flows.parts.rereading import Reread
from vestibule.flows.parts.understanding import TypedIdp, digest_of
from vestibule.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from vestibule.outside.fetching import Fetcher
from vestibule.storage import activity

BOMB = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="&c;"/>'
)


@pytest.fixture
def documents() -> Iterator[metadata.Documents]:
    with metadata.serving_documents() as served:
        yield served


def draft(house: House, name: str = "Okta Dev", environment: str = "dev", domains: str = "example.com") -> Connection:
    typed = TypedConnection(name, "generic", "selected", domains)
    return connection_set_up.begin_set_up(house.runtime, house.owner, environment, typed)


def understand(house: House, typed: TypedIdp) -> IdpValues:
    return idp_values.understand_idp(house.runtime, house.owner, typed)


def refused(house: House, typed: TypedIdp) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        understand(house, typed)
    return {error.field: str(error) for error in caught.value.errors}


def by_hand(**changes: object) -> TypedIdp:
    values: dict[str, object] = {
        "sso_url": "https://idp.example/sso",
        "binding": "redirect",
        "entity_id": "https://idp.example/metadata",
        "certificate": forge.key().certificate_pem,
    }
    return TypedIdp("values", **{**values, **changes})  # type: ignore[arg-type] # because the test passes any field


def test_a_metadata_url_is_fetched_and_nothing_is_saved(house: House, documents: metadata.Documents) -> None:
    connection = draft(house)
    documents.document = metadata.idp_metadata(
        metadata.ENTITY_ID,
        metadata.certificate_pem("old", days=20),
        metadata.certificate_pem("new", days=900),
        signed_requests=True,
    )
    values = understand(house, TypedIdp("url", metadata_url=f"  {documents.url} "))
    assert (values.entity_id, values.sso_redirect_url) == (metadata.ENTITY_ID, metadata.SSO_URL)
    assert [one.subject for one in values.certificates] == ["CN=old", "CN=new"]
    assert (values.wants_signed_requests, values.metadata_url) == (True, documents.url)
    facts = idp_values.get_set_up(house.runtime, house.owner, connection.id)
    assert facts.connection.status is ConnectionStatus.DRAFT


def test_what_was_understood_is_saved_with_every_certificate(house: House, documents: metadata.Documents) -> None:
    connection = draft(house)
    documents.document = metadata.idp_metadata(
        metadata.ENTITY_ID, metadata.certificate_pem("a"), metadata.certificate_pem("b", days=9)
    )
    values = understand(house, TypedIdp("url", metadata_url=documents.url))
    saved = idp_values.save_idp_values(house.runtime, house.owner, connection.id, values)
    assert saved.status is ConnectionStatus.PENDING
    assert saved.idp.certificates == values.certificates
    assert saved.idp.metadata_read_at is not None
    with house.runtime.database.reading() as tx:
        wanted = ActivityFilter(action_prefix="connection.idp_values_saved")
        (entry,) = activity.page(tx, house.workspace.id, wanted, before=None, after=None, size=5)
    assert entry.event.details["entity_id"] == metadata.ENTITY_ID
    assert len(entry.event.details["certificates_added"]) == 2  # type: ignore[arg-type] # because details are JSON


@pytest.mark.parametrize("way", ["xml", "file"])
def test_pasted_and_uploaded_xml_say_the_same(house: House, way: str) -> None:
    xml = '<?xml version="1.0"?>\n' + metadata.idp_metadata()
    values = understand(house, TypedIdp(way, metadata_xml=xml, metadata_file=xml.encode()))
    assert values.entity_id == metadata.ENTITY_ID
    assert values.metadata_url is None


@pytest.mark.parametrize("form", ["pem", "base64", "wrapped", "der", "both"])
def test_by_hand_a_certificate_is_read_in_each_form(house: House, form: str) -> None:
    key = forge.key()
    plain = key.certificate_base64
    given: dict[str, dict[str, object]] = {
        "pem": {},
        "base64": {"certificate": plain},
        "wrapped": {"certificate": "\r\n".join(plain[at : at + 64] for at in range(0, len(plain), 64))},
        "der": {"certificate": "", "certificate_file": key.certificate_der},
        "both": {"certificate_file": key.certificate_der},
    }
    values = understand(house, by_hand(**given[form]))
    assert [one.der for one in values.certificates] == [key.certificate_der]


def test_by_hand_several_certificates_and_the_post_binding(house: House) -> None:
    two = forge.key().certificate_pem + forge.key("next").certificate_pem
    values = understand(house, by_hand(certificate=two, binding="post", entity_id="  urn:idp:one\n"))
    assert (values.sso_redirect_url, values.sso_post_url) == (None, "https://idp.example/sso")
    assert (values.entity_id, len(values.certificates)) == ("urn:idp:one", 2)


@pytest.mark.parametrize(
    ("changes", "field", "part"),
    [
        ({"sso_url": ""}, "sso_url", "Enter the sign-on URL"),
        ({"sso_url": "idp.example/sso"}, "sso_url", "full address"),
        ({"sso_url": "javascript:alert(1)"}, "sso_url", "full address"),
        ({"sso_url": "https://user:secret@idp.example/"}, "sso_url", "full address"),
        ({"binding": "artifact"}, "binding", "Choose how"),
        ({"entity_id": " "}, "entity_id", "Enter the entity ID"),
        ({"entity_id": "two words"}, "entity_id", "no spaces"),
        ({"entity_id": "x" * 1025}, "entity_id", "1024 characters"),
        ({"entity_id": "urn:\u202eidp"}, "entity_id", "no spaces"),
        ({"certificate": ""}, "certificate", "There is no certificate"),
        ({"certificate": "hello"}, "certificate", "not a certificate"),
        ({"certificate": forge.key().private_pem}, "certificate", "private key"),
        ({"certificate": forge.key("small", "rsa1024").certificate_pem}, "certificate", "too small"),
        ({"certificate": "", "certificate_file": b"\x00\xff binary"}, "certificate_file", "not a certificate"),
    ],
)
def test_by_hand_each_mistake_is_said_at_its_field(
    house: House, changes: dict[str, object], field: str, part: str
) -> None:
    found = refused(house, by_hand(**changes))
    assert found.keys() == {field}
    assert part in found[field]


def test_by_hand_all_mistakes_are_said_at_once(house: House) -> None:
    empty = by_hand(sso_url="", entity_id="", certificate="")
    assert refused(house, empty).keys() == {"sso_url", "entity_id", "certificate"}


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (b"", "nothing here"),
        (BOMB.encode(), "DTD"),
        (b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>', "DTD"),
        (b"<!doctype html><html><body>Sign in</body></html>", "web page"),
        (
            b'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "">\n<html/>',
            "web page",
        ),
        (b'{"issuer": "https://idp.example"}', "JSON"),
        (b"https://idp.example/metadata", "address"),
        (b"<EntityDescriptor", "not well-formed"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "not well-formed"),
        (base64.b64decode("UEsDBBQAAAAIAA=="), "not well-formed"),
        (b"<a>" + b" " * (2 * 1024 * 1024) + b"</a>", "too large"),
        (metadata.idp_metadata().replace("IDPSSO", "SPSSO").encode(), "service provider"),
        (metadata.idp_metadata(sso_url="javascript:alert(1)").encode(), "plain http or https"),
    ],
)
def test_hostile_and_mistaken_files_are_refused_beside_the_field(house: House, given: bytes, part: str) -> None:
    assert part in refused(house, TypedIdp("file", metadata_file=given))["metadata_file"]


def test_metadata_of_several_asks_which_one(house: House) -> None:
    xml = metadata.aggregate(metadata.idp_metadata("urn:one"), metadata.idp_metadata("urn:two"))
    assert "2 entities" in refused(house, TypedIdp("xml", metadata_xml=xml))["wanted_entity_id"]
    assert understand(house, TypedIdp("xml", metadata_xml=xml, wanted_entity_id=" urn:two ")).entity_id == "urn:two"
    assert (
        "does not describe"
        in refused(house, TypedIdp("xml", metadata_xml=xml, wanted_entity_id="urn:3"))["wanted_entity_id"]
    )


@pytest.mark.parametrize(
    ("url", "part"),
    [
        ("", "full address"),
        ("idp.example", "full address"),
        ("ftp://idp.example/x", "full address"),
        ("file:///etc/passwd", "full address"),
        ("http://127.0.0.1:1/metadata", "port"),
    ],
)
def test_an_address_that_gives_nothing_is_refused_beside_the_field(house: House, url: str, part: str) -> None:
    assert part in refused(house, TypedIdp("url", metadata_url=url))["metadata_url"]


def test_a_server_that_has_no_document_there_is_said_beside_the_field(
    house: House, documents: metadata.Documents
) -> None:
    documents.status = 404
    found = refused(house, TypedIdp("url", metadata_url=documents.url))
    assert "did not give a document" in found["metadata_url"]


def test_the_guarded_client_refuses_http_and_private_networks_beside_the_field(house: House) -> None:
    guarded = furnish_with(house, Fetcher(allow_http=False, allow_private=False))
    assert "https" in refused(guarded, TypedIdp("url", metadata_url="http://idp.example/metadata"))["metadata_url"]
    for address in (
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://10.0.0.1/",
    ):
        assert "private network" in refused(guarded, TypedIdp("url", metadata_url=address))["metadata_url"]


def furnish_with(house: House, fetcher: Fetcher) -> House:
    return replace(house, runtime=replace(house.runtime, fetch=fetcher))


def test_fetching_is_throttled_per_workspace(house: House, documents: metadata.Documents) -> None:
    typed = TypedIdp("url", metadata_url=documents.url)
    for _ in range(30):
        understand(house, typed)
    assert "Too many attempts" in refused(house, typed)["metadata_url"]
    assert documents.asked == 30
    house.clock.advance(minutes=6)
    assert understand(house, typed).entity_id == metadata.ENTITY_ID


def test_an_entity_id_of_another_idp_is_offered_for_reuse(house: House) -> None:
    values = understand(house, TypedIdp("xml", metadata_xml=metadata.idp_metadata()))
    first = idp_values.save_idp_values(house.runtime, house.owner, draft(house).id, values)
    second = draft(house, "Again", "test")
    with pytest.raises(Invalid) as caught:
        idp_values.save_idp_values(house.runtime, house.owner, second.id, values)
    (error,) = caught.value.errors
    assert isinstance(error, idp_values.EntityIdKnown)
    assert error.reusable is not None
    assert error.reusable.id == first.idp.id
    with pytest.raises(Invalid) as caught:
        idp_values.save_idp_values(house.runtime, house.owner, draft(house, "Third", domains="x.example").id, values)
    (error,) = caught.value.errors
    assert isinstance(error, idp_values.EntityIdKnown)
    assert error.reusable is None
    assert "of this environment" in str(error)
    assert idp_values.get_set_up(house.runtime, house.owner, second.id).connection.status is ConnectionStatus.DRAFT
    kept = idp_values.save_idp_values(house.runtime, house.owner, second.id, values, keep_apart=True)
    assert kept.status is ConnectionStatus.PENDING
    idp_values.save_idp_values(house.runtime, house.owner, first.id, values, keep_apart=True)


def test_another_workspace_may_use_the_same_idp(house: House) -> None:
    other = furnish(house.runtime, house.clock, name="Southwind")
    values = understand(house, TypedIdp("xml", metadata_xml=metadata.idp_metadata()))
    first = idp_values.save_idp_values(house.runtime, house.owner, draft(house).id, values)
    typed = TypedConnection("Okta Dev", "okta", "all", "")
    second = connection_set_up.begin_set_up(house.runtime, other.owner, "southwind-dev", typed)
    assert idp_values.save_idp_values(house.runtime, other.owner, second.id, values).idp.complete
    for act in (
        lambda: idp_values.get_set_up(house.runtime, other.owner, first.id),
        lambda: idp_values.save_idp_values(house.runtime, other.owner, first.id, values),
        lambda: idp_values.read_metadata_again(house.runtime, other.owner, first.id),
        lambda: idp_values.delete_idp(house.runtime, other.owner, first.idp.id),
    ):
        with pytest.raises(NotFound):
            act()


def test_of_two_admins_who_connect_one_idp_at_once_one_is_told(house: House) -> None:
    drafts = [draft(house, f"IdP {number}", domains=f"d{number}.example") for number in range(3)]
    values = understand(house, TypedIdp("xml", metadata_xml=metadata.idp_metadata()))

    def save(connection: Connection) -> str:
        try:
            idp_values.save_idp_values(house.runtime, house.owner, connection.id, values)
        except Invalid as error:
            return error.errors[0].field
        return "saved"

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(save, drafts)) == ["keep_apart", "keep_apart", "saved"]


def test_the_vendor_is_guessed_unless_somebody_chose_one(house: House) -> None:
    okta = metadata.idp_metadata("http://www.okta.com/exk1", sso_url="https://acme.okta.com/app/sso/saml")
    values = understand(house, TypedIdp("xml", metadata_xml=okta))
    connection = draft(house)
    assert idp_values.save_idp_values(house.runtime, house.owner, connection.id, values).idp.vendor == "okta"
    chosen = idp_values.save_idp_values(house.runtime, house.owner, connection.id, values, vendor="keycloak")
    assert chosen.idp.vendor == "keycloak"
    forged = idp_values.save_idp_values(house.runtime, house.owner, connection.id, values, vendor="<b>")
    assert forged.idp.vendor == "keycloak"


def connected(house: House, documents: metadata.Documents) -> Connection:
    values = understand(house, TypedIdp("url", metadata_url=documents.url))
    return idp_values.save_idp_values(house.runtime, house.owner, draft(house).id, values)


def test_metadata_read_again_brings_the_new_certificate(house: House, documents: metadata.Documents) -> None:
    old, new = metadata.certificate_pem("old", days=20), metadata.certificate_pem("new")
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, old)
    connection = connected(house, documents)
    assert idp_values.read_metadata_again(house.runtime, house.owner, connection.id)[1] is Reread.SAME
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, old, new)
    assert idp_values.read_metadata_again(house.runtime, house.owner, connection.id)[1] is Reread.APPLIED
    facts = connections.get_connection(house.runtime, house.owner, connection.id)
    assert [one.subject for one in facts.connection.idp.certificates] == ["CN=old", "CN=new"]


def _removes(house: House, admin_id: str) -> None:
    admins.remove_admin(house.runtime, house.owner, admin_id)


def _takes_the_role(house: House, admin_id: str) -> None:
    admins.change_role(house.runtime, house.owner, admin_id, "auditor")


@pytest.mark.parametrize("act", [_removes, _takes_the_role])
def test_who_was_removed_or_lost_the_role_during_a_fetch_saves_nothing(
    house: House, documents: metadata.Documents, act: Callable[[House, str], None]
) -> None:
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("old", days=20))
    connection = connected(house, documents)
    colleague, _ = admins.create_admin(
        house.runtime, operator(), house.workspace.id, "Bo Lind", "bo@example.com", "admin", PASSWORD
    )
    caller = replace(house.owner, admin=colleague)
    documents.document = metadata.idp_metadata(metadata.ENTITY_ID, metadata.certificate_pem("new"))

    def fetch(url: str) -> bytes:
        act(house, colleague.id)
        return house.runtime.fetch(url)

    slow = replace(house.runtime, fetch=fetch)
    with pytest.raises(Forbidden):
        idp_values.read_metadata_again(slow, caller, connection.id)
    values = understand(house, TypedIdp("url", metadata_url=documents.url))
    with pytest.raises(Forbidden):
        idp_values.save_idp_values(house.runtime, caller, connection.id, values)
    facts = connections.get_connection(house.runtime, house.owner, connection.id)
    assert [one.subject for one in facts.connection.idp.certificates] == ["CN=old"]


@pytest.mark.parametrize(
    "moved",
    [
        metadata.idp_metadata("https://attacker.example"),
        metadata.idp_metadata(sso_url="https://attacker.example/sso"),
        metadata.idp_metadata(sso_url="http://idp.example/sso"),
        metadata.idp_metadata(sso_url="https://idp.example:8443/sso"),
    ],
)
def test_metadata_that_moved_elsewhere_waits_and_is_not_applied(
    house: House, documents: metadata.Documents, moved: str
) -> None:
    connection = connected(house, documents)
    documents.document = moved
    assert idp_values.read_metadata_again(house.runtime, house.owner, connection.id)[1] is Reread.WAITS
    facts = connections.get_connection(house.runtime, house.owner, connection.id)
    assert facts.connection.idp.entity_id == metadata.ENTITY_ID
    assert facts.connection.idp.sso_redirect_url == metadata.SSO_URL


def test_metadata_of_several_others_is_no_change_to_agree_to(house: House, documents: metadata.Documents) -> None:
    connection = connected(house, documents)
    documents.document = metadata.aggregate(metadata.idp_metadata("urn:a"), metadata.idp_metadata("urn:b"))
    with pytest.raises(Invalid) as refusal:
        idp_values.read_metadata_again(house.runtime, house.owner, connection.id)
    assert [error.field for error in refusal.value.errors] == ["metadata_url"]


def test_a_metadata_server_that_fails_changes_nothing(house: House, documents: metadata.Documents) -> None:
    connection = connected(house, documents)
    documents.status = 500
    with pytest.raises(Invalid):
        idp_values.read_metadata_again(house.runtime, house.owner, connection.id)
    documents.status, documents.document = 200, BOMB
    with pytest.raises(Invalid):
        idp_values.read_metadata_again(house.runtime, house.owner, connection.id)
    assert connections.get_connection(house.runtime, house.owner, connection.id).connection.idp.complete


def test_there_is_nothing_to_read_again_without_an_address(house: House) -> None:
    values = understand(house, by_hand())
    connection = idp_values.save_idp_values(house.runtime, house.owner, draft(house).id, values)
    with pytest.raises(Conflict):
        idp_values.read_metadata_again(house.runtime, house.owner, connection.id)


def test_the_digest_tells_whether_anything_that_counts_differs(house: House) -> None:
    one = understand(house, by_hand())
    assert digest_of(one) == digest_of(understand(house, by_hand()))
    for other in ({"binding": "post"}, {"entity_id": "urn:x"}, {"certificate": forge.key("next").certificate_pem}):
        assert digest_of(understand(house, by_hand(**other))) != digest_of(one)
