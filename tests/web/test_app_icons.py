"""Icons of apps' own over HTTP, on both engines: where they are shown, and how the bytes come back."""

from __future__ import annotations

import re

import httpx
import pytest
from sqlalchemy import select

from tests.support import apps, sign_ins
from tests.support.house import Client, Server
from tests.support.pictures import png
from vestibule.directory.app_icons import MAX_BYTES, clean_png
from vestibule.directory.apps import App, AppKind
from vestibule.storage.tables import app_icons


def upload(client: Client, app: App, data: bytes, name: str = "icon.png", kind: str = "image/png") -> httpx.Response:
    path = f"/admin/apps/{app.id}/icon"
    client.get(path)
    return client.post(path, files={"picture": (name, data, kind)})


def address_in(page: str, app: App) -> str:
    found = re.search(rf'<img src="(/icons/{app.id}/[0-9a-f]{{32}}\.png)" alt=""', page)
    assert found is not None, page
    return found.group(1)


def kept(server: Server) -> int:
    with server.house.runtime.database.reading() as tx:
        return len(tx.execute(select(app_icons)).all())


def test_an_icon_is_shown_wherever_the_app_is_and_comes_from_an_address_of_its_own(
    server: Server, admin_client: Client
) -> None:
    house = server.house
    connection, _ = sign_ins.connect(house), sign_ins.add_person(house)
    app = apps.make_app(house, third_party=True)
    assert upload(admin_client, app, png(48)).status_code == 303
    address = address_in(admin_client.get(f"/admin/apps/{app.id}").text, app)
    assert address_in(admin_client.get("/admin/apps?environment=dev").text, app) == address
    browser = server.client()
    relying = apps.RelyingApp(server, app)
    consent = apps.signed_in_for(relying, browser, connection, relying.authorize(browser))
    assert address_in(consent.text, app) == address
    assert address_in(browser.get("/e/dev/").text, app) == address
    picture = server.client().get(address)
    assert picture.content == clean_png(png(48))
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert picture.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert picture.headers["cross-origin-resource-policy"] == "same-origin"
    assert picture.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "set-cookie" not in picture.headers


def test_another_picture_has_another_address_and_the_old_one_is_gone(server: Server, admin_client: Client) -> None:
    app = apps.make_app(server.house)
    upload(admin_client, app, png(32))
    before = address_in(admin_client.get(f"/admin/apps/{app.id}").text, app)
    upload(admin_client, app, png(64))
    after = address_in(admin_client.get(f"/admin/apps/{app.id}").text, app)
    assert before != after
    assert server.client().get(before).status_code == 404
    assert kept(server) == 1


def test_removing_it_brings_the_icon_of_the_set_back(server: Server, admin_client: Client) -> None:
    app = apps.make_app(server.house)
    upload(admin_client, app, png())
    admin_client.get(f"/admin/apps/{app.id}/icon")
    assert admin_client.post(f"/admin/apps/{app.id}/icon/remove").status_code == 303
    assert "/icons/" not in admin_client.get(f"/admin/apps/{app.id}").text
    assert kept(server) == 0


def test_editing_the_app_keeps_its_icon_and_deleting_it_takes_it_along(server: Server, admin_client: Client) -> None:
    app = apps.make_app(server.house)
    upload(admin_client, app, png())
    admin_client.get(f"/admin/apps/{app.id}/edit")
    form = {"name": "Renamed", "redirect_uris": apps.CALLBACK, "who": "everyone"}
    assert admin_client.post(f"/admin/apps/{app.id}/edit", form).status_code == 303
    address_in(admin_client.get(f"/admin/apps/{app.id}").text, app)
    admin_client.get(f"/admin/apps/{app.id}/delete")
    admin_client.post(f"/admin/apps/{app.id}/delete")
    assert kept(server) == 0


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "Choose a file."),
        (b"<svg onload='alert(1)'/>", "Choose a PNG file."),
        (png() + b"<script>", "The file is damaged"),
        (png(513), "It has to be square, from 32 to 512."),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * MAX_BYTES, "larger than 128 KB"),
    ],
    ids=["nothing", "SVG", "polyglot", "too wide", "too large"],
)
def test_what_is_no_picture_is_refused_beside_its_field_and_nothing_is_kept(
    server: Server, admin_client: Client, data: bytes, sentence: str
) -> None:
    app = apps.make_app(server.house)
    refused = upload(admin_client, app, data, "<b>.svg", "image/svg+xml")
    assert refused.status_code == 422
    assert sentence in refused.text
    assert "<b>" not in refused.text
    assert kept(server) == 0


def test_an_address_that_nobody_gave_out_is_no_picture(server: Server, admin_client: Client) -> None:
    app = apps.make_app(server.house)
    upload(admin_client, app, png())
    address = address_in(admin_client.get(f"/admin/apps/{app.id}").text, app)
    for wrong in (
        address.replace(app.id, apps.make_app(server.house, "GitLab").id),
        f"/icons/{app.id}/{'0' * 32}.png",
        f"/icons/{app.id}/x%00.png",
        address.replace(".png", ".svg"),
    ):
        assert server.client().get(wrong).status_code == 404, wrong


def test_the_launch_page_says_what_the_page_before_wants_said(server: Server) -> None:
    connection, _ = sign_ins.connect(server.house), sign_ins.add_person(server.house)
    browser = server.client()
    sign_ins.sign_in(server, browser, connection)
    browser.get("/e/dev/account")
    ended = browser.post("/e/dev/account/sessions/end-others")
    assert ended.status_code == 303
    page = browser.get("/e/dev/").text
    assert re.search(r'v-said" role="status">.*<p>\w', page)
    assert "v-said" not in browser.get("/e/dev/").text, "once"


def test_an_app_behind_a_proxy_leads_to_the_domains_of_its_environment(server: Server, admin_client: Client) -> None:
    app = apps.make_app(server.house, "Wiki", kind=AppKind.FORWARD_AUTH, oidc=None, hosts=("wiki.example.com",))
    page = admin_client.get(f"/admin/apps/{app.id}").text
    assert 'href="/admin/settings/environments/dev/cookie-domains"' in page
    assert 'href="https://app.example/"' in page
