"""The load under which the server dies: sign-ins all at once, and admins who write one thing after the other.

Owns who was answered before the end. What must be true of the database afterwards is `invariants`.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

import httpx

from tests.support import traffic
from tests.support.house import Client
from tests.support.served import Served
from tests.support.traffic import Prepared
from vestibule.directory.end_users import EndUser

BEGIN_SECONDS = 120


@dataclass
class Deed:
    """One form that an admin sent. `what` is the thing it makes or changes, `status` the answer, if there was one."""

    kind: str
    what: str
    path: str
    fields: Mapping[str, str | Sequence[str]] = field(repr=False)
    status: int | None = None

    @property
    def acknowledged(self) -> bool:
        """Say whether the admin was told that it is done."""
        return self.status in {200, 303}


@dataclass
class Writer:
    """One admin at work until the server is gone: adds people, makes groups, joins and renames people of their own."""

    base_url: str
    cookies: Mapping[str, str]
    page: str
    label: str
    people: Sequence[EndUser]
    environment_ids: Sequence[str]
    group_id: str
    deeds: list[Deed] = field(default_factory=list)
    begun: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """Send one form after the other, until one is not answered."""
        with httpx.Client(base_url=self.base_url, cookies=dict(self.cookies), timeout=60, trust_env=False) as http:
            client = Client(http, self.base_url, self.page)
            for number in count():
                deed = self._next(number)
                self.deeds.append(deed)
                try:
                    deed.status = client.post(deed.path, dict(deed.fields)).status_code
                except httpx.TransportError:
                    return
                finally:
                    self.begun.set()

    def _next(self, number: int) -> Deed:
        name, person = f"{self.label} {number}", self.people[number // 4 % len(self.people)]
        groups = "/admin/environments/dev/groups"
        match number % 4:
            case 0:
                email = f"{name.replace(' ', '-').lower()}@example.com"
                chosen = {f"group_{self.environment_ids[0]}": self.group_id}
                fields = {"name": name, "email": email, "environment": list(self.environment_ids), **chosen}
                return Deed("add", email, "/admin/end-users/new", fields)
            case 1:
                return Deed("group", name, f"{groups}/new", {"name": name})
            case 2:
                return Deed("join", person.id, f"{groups}/{self.group_id}/members", {"end_user": person.id})
            case _:
                renamed = {"name": f"{name} Renamed", "email": person.email}
                return Deed("rename", person.id, f"/admin/end-users/{person.id}/profile", renamed)


def assault(
    served: Served, prepared: Sequence[Prepared], writers: Sequence[Writer], kill_after: int
) -> dict[int, bytes]:
    """Let everybody at the server, kill it when `kill_after` sign-ins have been answered; return those answers' heads by position."""
    answered: dict[int, bytes] = {}

    def on_answer(index: int, status: int, head: bytes) -> None:
        if status == 303:
            answered[index] = head
        if len(answered) == kill_after and served.process is not None:
            served.process.send_signal(signal.SIGKILL)

    threads = [threading.Thread(target=writer.work) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        for writer in writers:
            assert writer.begun.wait(BEGIN_SECONDS), "the admins did not get to work"
        traffic.post_all(served.port, [one.message for one in prepared], len(prepared), on_answer)
    finally:
        served.kill()
        for thread in threads:
            thread.join()
    return answered


def session_token(head: bytes) -> str:
    """Return the session that an answer gave to the browser."""
    token = head.partition(b"vestibule_env_dev=")[2].partition(b";")[0].decode()
    assert token, head
    return token
