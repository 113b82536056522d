"""What a proxy would be told, shown to an admin: the same as the proxy is told, of nobody else, and to nobody else."""

from __future__ import annotations

from tests.support import apps
from tests.support.forward_auth import change, grace, signed_in, wiki
from tests.support.house import Client, Server
from tests.support.people import group_of
from tests.support.sign_ins import PASSWORD


def page_of(client: Client, app_id: str) -> str:
    page = client.get(f"/admin/apps/{app_id}/headers")
    assert page.status_code == 200, page.text
    return str(page.text)


def come_in(client: Client) -> None:
    """Sign Grace in to DEV in the admin's own browser."""
    client.get("/e/dev/sign-in")
    done = client.post("/e/dev/sign-in/password", {"email": "grace@example.com", "password": PASSWORD})
    assert done.status_code == 303, done.text


def test_nobody_is_signed_in_then_somebody_and_it_is_what_the_proxy_is_told(
    server: Server, admin_client: Client
) -> None:
    house = server.house
    team = group_of(house, name="Müller, Söhne")
    grace(house, team)
    app = wiki(house)
    assert "Nobody is signed in" in page_of(admin_client, app.id)
    come_in(admin_client)
    page = page_of(admin_client, app.id)
    assert "The proxy lets them through" in page
    told = signed_in(server).ask()
    assert told.headers["remote-groups"] == "M%C3%BCller%2C S%C3%B6hne"
    for name in ("Remote-User", "Remote-Email", "Remote-Name", "Remote-Groups"):
        assert f"<code>{name}</code>" in page
        assert told.headers[name].replace("@", "@<wbr>") in page
    assert "eyJ" not in page


def test_of_somebody_who_may_not_use_it_nothing_is_told_but_why(server: Server, admin_client: Client) -> None:
    grace(server.house)
    app = wiki(server.house)
    come_in(admin_client)
    change(server.house, app, everyone=False)
    page = page_of(admin_client, app.id)
    assert "The proxy does not let them through" in page
    assert "in none of the groups" in page
    assert "Remote-User" not in page


def test_only_an_app_behind_a_proxy_has_headers(server: Server, admin_client: Client) -> None:
    assert admin_client.get(f"/admin/apps/{apps.make_app(server.house).id}/headers").status_code == 404
