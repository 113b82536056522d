"""The logout pages of the practice identity provider: a request answered as asked for, a request of its own, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from vestibule.kernel.clock import Clock
from vestibule.practice.errors import UnknownChoice
from vestibule.practice.keys import KeyPair
from vestibule.practice.logouts import (
    LOGOUT_LABELS,
    Carried,
    LogoutMisbehaviour,
    SignOutRequest,
    carry,
    logout_url_of,
    parse_logout,
    status_of_answer,
    write_answer,
    write_request,
)
from vestibule.practice.loopback import origin_of
from vestibule.practice.pages import Pages
from vestibule.practice.responses import NewId


@dataclass(frozen=True, slots=True)
class LogoutPages:
    """Logout at one practice identity provider. `other_key` signs what is to be wrong."""

    entity_id: str
    key: KeyPair
    other_key: KeyPair
    clock: Clock
    new_id: NewId
    pages: Pages

    def routes(self) -> list[Route]:
        """Return the addresses for logout."""
        return [
            Route("/slo", self._slo, methods=["GET", "POST"]),
            Route("/sign-out", self._sign_out, methods=["POST"]),
            Route("/sign-out/answer", self._answer, methods=["POST"]),
        ]

    async def _slo(self, request: Request) -> Response:
        posted = request.method == "POST"
        sent = _texts(await request.form()) if posted else _texts(request.query_params)
        if "SAMLResponse" in sent:
            status = status_of_answer(sent["SAMLResponse"], posted=posted)
            return self.pages.render("signed_out.html", {"status": status})
        asked = parse_logout(sent.get("SAMLRequest", ""), sent.get("RelayState", ""), posted=posted)
        return self.pages.render("sign_out.html", {"asked": asked, "misbehaviours": LOGOUT_LABELS})

    async def _answer(self, request: Request) -> Response:
        form = _texts(await request.form())
        posted = form.get("binding") == "post"
        asked = SignOutRequest(
            form.get("request_id", ""), form.get("sp_entity_id", ""), "", form.get("relay_state", ""), posted
        )
        misbehaviour, message_id = _misbehaviour(form), self.new_id()
        url = logout_url_of(asked.sp_entity_id)
        message = write_answer(self.entity_id, url, message_id, asked.request_id, misbehaviour, self.clock())
        return self._send(message, message_id, "SAMLResponse", url, asked.relay_state, misbehaviour, posted=posted)

    async def _sign_out(self, request: Request) -> Response:
        form = _texts(await request.form())
        misbehaviour, message_id = _misbehaviour(form), self.new_id()
        url = logout_url_of(form.get("entity_id", "").strip())
        message = write_request(self.entity_id, url, message_id, form.get("person", ""), self.clock())
        posted = form.get("binding") == "post"
        return self._send(message, message_id, "SAMLRequest", url, "", misbehaviour, posted=posted)

    def _send(
        self,
        message: str,
        message_id: str,
        kind: str,
        url: str,
        relay_state: str,
        misbehaviour: LogoutMisbehaviour,
        *,
        posted: bool,
    ) -> Response:
        if misbehaviour is LogoutMisbehaviour.SILENT:
            return self.pages.render("signed_out.html", {"status": ""})
        key: KeyPair | None = self.other_key if misbehaviour is LogoutMisbehaviour.OTHER_CERTIFICATE else self.key
        if misbehaviour is LogoutMisbehaviour.UNSIGNED:
            key = None
        carried: Carried = carry(message, message_id, kind, url, relay_state, key, posted=posted)
        return self.pages.render("send_logout.html", {"carried": carried}, posts_to=origin_of(url))


def _misbehaviour(form: Mapping[str, str]) -> LogoutMisbehaviour:
    try:
        return LogoutMisbehaviour(form.get("misbehaviour", "none"))
    except ValueError as error:
        raise UnknownChoice(str(error)) from error


def _texts(values: Mapping[str, object]) -> dict[str, str]:
    return {name: value for name, value in values.items() if isinstance(value, str)}
