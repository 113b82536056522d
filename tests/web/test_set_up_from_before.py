"""The second step of the wizard, opened before another admin saved the values of the same identity provider."""

from __future__ import annotations

import re

from tests.support import metadata
from tests.support.house import Client, Server
from tests.web.test_connection_pages import begin, only_connection, send, text_of


def test_values_from_a_form_of_before_do_not_replace_those_that_another_admin_saved(
    admin_client: Client, server: Server
) -> None:
    path = begin(admin_client)

    def began_with(page: str) -> dict[str, str]:
        found = re.search(r'name="began_with" value="([0-9a-f]{64})"', page)
        assert found is not None
        return {"began_with": found[1]}

    def values(entity_id: str, act: str = "save") -> dict[str, str]:
        xml = metadata.idp_metadata(entity_id)
        return {"has_url": "no", "way": "xml", "metadata_xml": xml, "vendor": "okta", "act": act}

    draft = began_with(admin_client.get(path).text)
    assert send(admin_client, path, {**values("https://newer.example"), **draft}).status_code == 303
    # To look at what is understood makes the draft no fresher.
    draft = began_with(send(admin_client, path, {**values("https://stale.example", "fetch"), **draft}).text)
    answer = send(admin_client, path, {**values("https://stale.example"), **draft})
    assert answer.status_code == 422
    assert "These values were changed since you opened this page." in text_of(answer)
    assert only_connection(server).idp.entity_id == "https://newer.example"
    assert send(admin_client, path, {**values("https://stale.example"), **began_with(answer.text)}).status_code == 303
    assert only_connection(server).idp.entity_id == "https://stale.example"
