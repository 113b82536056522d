"""An admin gives a program a token, the program asks by the documentation's command, and the admin takes the token back."""

from __future__ import annotations

import os
import re
import subprocess

import httpx
from playwright.sync_api import expect

from tests.journeys.console import Console
from tests.support.apps import make_app
from tests.support.house import Server
from tests.support.people import add_person


def test_a_program_is_given_a_token_asks_with_it_and_has_it_taken_away(console: Console, server: Server) -> None:
    page, house = console.page, server.house
    app = make_app(house, "Payroll", "prod")
    add_person(house, "Maya Lindqvist", "maya@acme.example", "prod")
    console.go("API clients")
    expect(console.heading("No API client yet")).to_be_visible()
    token = console.add_api_client("Help desk", "PROD")
    assert page.get_by_text(token).count() == 1

    console.follow("API documentation")
    expect(console.heading("Before the first request")).to_be_visible()
    console.press("Copy Request with curl")
    expect(page.get_by_text("Request with curl copied")).to_be_attached()
    copied = page.evaluate("navigator.clipboard.readText()")
    command = re.sub(r"app_[0-9a-z]{26}", app.id, copied)
    environment = {**os.environ, "VESTIBULE_TOKEN": token}
    asked = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=True)
    assert '"allowed": true' in asked.stdout

    console.follow("API clients", inside=page.get_by_role("banner"))
    row = page.get_by_role("row", name="Help desk")
    expect(row).to_contain_text("Made by Ada Park")
    expect(row).to_contain_text("this minute")
    assert page.get_by_text(token).count() == 0
    console.follow("Revoke Help desk")
    expect(console.heading("Revoke “Help desk”?")).to_be_visible()
    console.press("Revoke")
    expect(console.said()).to_contain_text("The API client “Help desk” was revoked")
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{server.base_url}/api/v1/explain", headers=headers).status_code == 401
    console.follow("1 revoked")
    expect(page.get_by_role("list", name="Revoked API clients")).to_contain_text("Help desk")
    console.go("Activity")
    expect(page.get_by_role("link", name="Ada Park revoked the API client Help desk")).to_be_visible()
