"""What an app's requests cost: the statements of each are counted, and don't grow with the groups of the person."""

from __future__ import annotations

from collections.abc import Callable

from tests.support import apps, sign_ins
from tests.support.apps import RelyingApp
from tests.support.house import House, Server
from tests.support.people import group_of
from tests.support.statements import counted
from vestibule.directory.end_users import EndUser
from vestibule.directory.sources import Source
from vestibule.storage import access


def join(house: House, person: EndUser, number: int) -> None:
    groups = [group_of(house, name=f"Group {one}") for one in range(number)]
    with house.runtime.database.transaction() as tx:
        for group in groups:
            access.add_member(tx, house.workspace.id, group.id, person.id, source=Source.MANUAL, now=house.clock())


def test_the_statements_of_each_request_are_few_whatever_the_number_of_groups(server: Server) -> None:
    house, browser = server.house, server.client()
    connection, grace = sign_ins.connect(house), sign_ins.add_person(house)
    made = apps.make_app(house)
    app = RelyingApp(server, made, apps.make_secret(house, made))
    app.tokens(browser, connection)  # the keys are made, the secret is noted as used

    def costs() -> dict[str, int]:
        found: dict[str, int] = {}

        def measure(name: str, call: Callable[[], object]) -> object:
            with counted(server) as statements:
                answered = call()
            found[name] = len(statements)
            return answered

        answered = apps.answer_in(app.authorize(browser))
        tokens = app.exchange(apps.answer_in(app.authorize(browser)).code).json()
        measure("authorize", lambda: app.authorize(browser))
        measure("code", lambda: app.exchange(answered.code))
        measure("refresh", lambda: app.refresh(tokens["refresh_token"]))
        measure("userinfo", lambda: app.user_info(tokens["access_token"]))
        measure("introspect", lambda: app.post("introspect", token=tokens["access_token"]))
        return found

    few = costs()
    join(house, grace, 30)
    many = costs()
    assert {name: many[name] - few[name] for name in few if name in {"authorize", "introspect"}} == {
        "authorize": 0,
        "introspect": 0,
    }
    most = {"authorize": 7, "code": 7, "refresh": 7, "userinfo": 6, "introspect": 4}
    assert {name: cost for name, cost in many.items() if cost > most[name]} == {}, many
