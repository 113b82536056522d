"""Step 2 of setting a provider up keeps what was understood and what was brought, whatever is clicked in between."""

from __future__ import annotations

import re
from dataclasses import replace

from tests.saml import forge
from tests.support import metadata
from tests.support.house import Client, Server
from tests.web.test_connection_pages import begin, documents, only_connection, send
from vestibule.directory.connections import ConnectionStatus
from vestibule.saml.certificates import fingerprint_of

__all__ = ["documents"]


def test_the_steps_of_another_vendor_leave_what_was_understood_in_view_and_compared(
    admin_client: Client, server: Server, documents: metadata.Documents
) -> None:
    path = begin(admin_client)
    fields = {"has_url": "yes", "metadata_url": documents.url, "vendor": "entra"}
    before = send(admin_client, path, {**fields, "act": "vendor"})
    assert "This is what we understood" not in before.text
    assert documents.url in before.text
    fetched = send(admin_client, path, {**fields, "act": "fetch"})
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', fetched.text)
    assert seen is not None
    shown = send(admin_client, path, {**fields, "act": "vendor", "seen": seen.group(1)})
    assert "Where to find this in Microsoft Entra ID" in shown.text
    assert "This is what we understood" in shown.text
    assert f'name="seen" value="{seen.group(1)}"' in shown.text
    documents.document = metadata.idp_metadata("https://attacker.example")
    changed = send(admin_client, path, {**fields, "act": "vendor", "seen": seen.group(1)})
    assert "It has changed since you saw it" in changed.text
    assert only_connection(server).status is ConnectionStatus.DRAFT


def test_a_certificate_file_that_is_no_text_is_kept_beside_the_one_that_was_pasted(
    admin_client: Client, server: Server
) -> None:
    path = begin(admin_client)
    values = {
        "has_url": "no",
        "way": "values",
        "sso_url": "https://idp.example/sso",
        "binding": "post",
        "entity_id": "urn:idp",
        "certificate": forge.key().certificate_pem,
    }
    file = {"certificate_file": forge.key("other").certificate_der}
    shown = send(admin_client, path, {**values, "act": "fetch"}, file)
    assert "This is what we understood" in shown.text
    kept = re.search(r'<textarea[^>]* name="certificate"[^>]*>\s*(.*?)</textarea>', shown.text, re.DOTALL)
    assert kept is not None
    assert send(admin_client, path, {**values, "certificate": kept[1], "act": "save"}).status_code == 303
    saved = {one.fingerprint for one in only_connection(server).idp.certificates}
    assert saved == {fingerprint_of(each.certificate_der) for each in (forge.key(), forge.key("other"))}


def test_a_certificate_brought_by_hand_leaves_what_the_page_has_no_field_for(
    admin_client: Client, server: Server
) -> None:
    path, binding = begin(admin_client), "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-"
    more = "".join(
        f'<Single{service}Service Binding="{binding}{name}" Location="https://idp.example/{service}/{name}"{answers}/>'
        for service, name, answers in (
            ("Logout", "Redirect", ' ResponseLocation="https://idp.example/answers"'),
            ("Logout", "POST", ""),
            ("SignOn", "POST", ""),
        )
    )
    xml = metadata.idp_metadata(signed_requests=True).replace("<SingleSignOnService", f"{more}<SingleSignOnService")
    fields = {"has_url": "no", "way": "xml", "metadata_xml": xml, "act": "save"}
    assert send(admin_client, path, fields).status_code == 303
    before = only_connection(server).idp
    values = {
        "has_url": "no",
        "way": "values",
        "sso_url": before.sso_redirect_url or "",
        "binding": "redirect",
        "entity_id": before.entity_id or "",
        "slo_url": before.logout.redirect_url or "",
        "certificate": forge.key("next").certificate_pem,
        "act": "save",
    }
    admin_client.get(path)
    assert send(admin_client, path, values).status_code == 303
    after = only_connection(server).idp
    assert after.certificates != before.certificates
    assert replace(after, certificates=()) == replace(before, certificates=(), metadata_read_at=None)
    assert after.wants_signed_requests
    assert send(admin_client, path, {**values, "binding": "post", "slo_url": ""}).status_code == 303
    moved = only_connection(server).idp
    assert (moved.sso_redirect_url, moved.sso_post_url) == (None, before.sso_redirect_url)
    assert not moved.logout.offered
