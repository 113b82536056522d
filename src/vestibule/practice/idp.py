"""The practice identity provider as a Starlette app: metadata, sign-on by Redirect and POST, an answer as asked for.

Owns its keys, its people, its last answers (for replay) and its addresses. It signs for service providers on this
machine only, and for anybody who asks there: it is something to practise with, not an authority. It sets no cookie.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from lxml import etree
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from vestibule.kernel.clock import Clock
from vestibule.practice.directory import PracticeDirectory
from vestibule.practice.directory_pages import DirectoryPages, require_own_page
from vestibule.practice.encrypting import fetch_key
from vestibule.practice.errors import (
    AnswerNotLocal,
    ForeignPage,
    NothingToReplay,
    NotLoopback,
    PracticeError,
    RequestIncomplete,
    RequestUnreadable,
    UnknownChoice,
)
from vestibule.practice.keys import make_key_pair
from vestibule.practice.logout_pages import LogoutPages
from vestibule.practice.logouts import LOGOUT_LABELS
from vestibule.practice.loopback import is_loopback_url, origin_of
from vestibule.practice.metadata import build_metadata
from vestibule.practice.misbehaviour import LABELS, SIGNING_LABELS, Forger, Misbehaviour, Signing, build_answer
from vestibule.practice.pages import STATIC_DIRECTORY, Pages
from vestibule.practice.people import STRANGER, Person
from vestibule.practice.requests import SignInRequest, parse_post, parse_redirect, require_local_answer
from vestibule.practice.responses import NewId, ResponsePlan

MAX_BODY_BYTES: Final = 256 * 1024
ANSWER_LIFETIME: Final = timedelta(minutes=5)
CLOCK_ALLOWANCE: Final = timedelta(seconds=30)
_REMEMBERED_ANSWERS: Final = 100


def new_xml_id() -> str:
    """Return a fresh random XML ID: 160 bits, led by an underscore since an NCName may not start with a digit."""
    return "_" + secrets.token_hex(20)


class PracticeIdp:
    """One practice identity provider at `base_url` (http on a loopback address), with keys of its own.

    Raises NotLoopback for any other address. `people` are offered on the sign-in page, and after them the stranger.
    """

    def __init__(self, base_url: str, people: Sequence[Person], clock: Clock, new_id: NewId = new_xml_id) -> None:
        if not is_loopback_url(base_url):
            raise NotLoopback(f"base_url {base_url!r}")
        self.base_url = base_url.rstrip("/")
        self.entity_id = f"{self.base_url}/metadata"
        self.sso_url = f"{self.base_url}/sso"
        self.slo_url = f"{self.base_url}/slo"
        self.people = (*people, STRANGER)
        self._clock = clock
        self._new_id = new_id
        self._key = make_key_pair("Practice identity provider", clock())
        self._forger = Forger(other_key=make_key_pair("Practice identity provider", clock()))
        self._answers: dict[str, bytes] = {}
        self.directory = PracticeDirectory()
        self._pages = Pages()
        self.certificate_pem = self._key.certificate_pem
        self.metadata_xml = build_metadata(self.entity_id, self.sso_url, self.slo_url, self._key)
        self.app = self._build_app()

    def _build_app(self) -> Starlette:
        # The Host check keeps a web page that rebinds its name to 127.0.0.1 from reading anything here.
        host = urlsplit(self.base_url).hostname or ""
        logout = LogoutPages(self.entity_id, self._key, self._forger.other_key, self._clock, self._new_id, self._pages)
        return Starlette(
            routes=[
                Route("/", self._home),
                Route("/metadata", self._metadata),
                Route("/sso", self._sso, methods=["GET", "POST"]),
                Route("/start", self._start),
                Route("/answer", self._answer, methods=["POST"]),
                *logout.routes(),
                *DirectoryPages(self.directory, self._pages).routes(),
                Mount("/static", StaticFiles(directory=STATIC_DIRECTORY)),
            ],
            middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[host, "localhost"], www_redirect=False)],
            exception_handlers={PracticeError: self._problem},
            max_body_size=MAX_BODY_BYTES,
        )

    async def _home(self, _: Request) -> Response:
        return self._pages.render("home.html", {"idp": self, "misbehaviours": LOGOUT_LABELS})

    async def _metadata(self, _: Request) -> Response:
        return Response(self.metadata_xml, media_type="application/samlmetadata+xml")

    async def _sso(self, request: Request) -> Response:
        if request.method == "POST":
            form = await request.form()
            sign_in = parse_post(_text(form, "SAMLRequest"), _text(form, "RelayState"))
        else:
            query = request.query_params
            sign_in = parse_redirect(query.get("SAMLRequest", ""), query.get("RelayState", ""))
        return self._sign_in_page(sign_in)

    async def _start(self, request: Request) -> Response:
        """Begin at the identity provider: no request is answered (Profiles 4.1.5)."""
        query = request.query_params
        sign_in = SignInRequest("", query.get("entity_id", "").strip(), query.get("acs_url", "").strip())
        if not (sign_in.sp_entity_id and sign_in.acs_url):
            raise RequestIncomplete("both values are needed to start here")
        return self._sign_in_page(require_local_answer(sign_in))

    def _sign_in_page(self, sign_in: SignInRequest) -> Response:
        values = {
            "idp": self,
            "sign_in": sign_in,
            "stranger": STRANGER,
            "misbehaviours": LABELS,
            "signings": SIGNING_LABELS,
        }
        return self._pages.render("sign_in.html", values)

    async def _answer(self, request: Request) -> Response:
        form = await request.form()
        if form.get("encrypts"):
            require_own_page(request)  # the service provider's metadata is read for it
        sign_in = SignInRequest(
            request_id=_text(form, "request_id"),
            sp_entity_id=_text(form, "sp_entity_id"),
            acs_url=_text(form, "acs_url"),
            relay_state=_text(form, "relay_state"),
        )
        document = await run_in_threadpool(self._document, require_local_answer(sign_in), form)
        values = {
            "sign_in": sign_in,
            "saml_response": base64.b64encode(document).decode("ascii"),
            "readable": _readable(document) if form.get("stops") else "",
        }
        return self._pages.render("send.html", values, posts_to=origin_of(sign_in.acs_url))

    def _document(self, sign_in: SignInRequest, form: FormData) -> bytes:
        person = next((one for one in self.people if one.email == form.get("person")), None)
        try:
            misbehaviour = Misbehaviour(_text(form, "misbehaviour"))
            signing = Signing(_text(form, "signing"))
        except ValueError as error:
            raise UnknownChoice(str(error)) from error
        if person is None:
            raise UnknownChoice("no such person")
        if misbehaviour is Misbehaviour.REPLAY:
            if sign_in.acs_url not in self._answers:
                raise NothingToReplay(f"nothing was sent to {sign_in.acs_url}")
            return self._answers[sign_in.acs_url]
        plan = self._plan(sign_in, person, signing)
        if form.get("encrypts"):
            plan = replace(plan, encrypts_for=fetch_key(sign_in.sp_entity_id))
        document = build_answer(plan, misbehaviour, self._forger, self._new_id)
        self._remember(sign_in.acs_url, document)
        return document

    def _plan(self, sign_in: SignInRequest, person: Person, signing: Signing) -> ResponsePlan:
        now = self._clock()
        return ResponsePlan(
            issuer=self.entity_id,
            destination=sign_in.acs_url,
            recipient=sign_in.acs_url,
            audience=sign_in.sp_entity_id,
            in_response_to=sign_in.request_id,
            issue_instant=now,
            not_before=now - CLOCK_ALLOWANCE,
            not_on_or_after=now + ANSWER_LIFETIME,
            people=(person,),
            key=self._key,
            signs_response=signing is not Signing.ASSERTION,
            signs_assertion=signing is not Signing.RESPONSE,
        )

    def _remember(self, acs_url: str, document: bytes) -> None:
        self._answers.pop(acs_url, None)
        self._answers[acs_url] = document
        while len(self._answers) > _REMEMBERED_ANSWERS:
            self._answers.pop(next(iter(self._answers)))

    async def _problem(self, _: Request, error: Exception) -> Response:
        status_code = 403 if isinstance(error, AnswerNotLocal | ForeignPage) else 400
        expected = "" if not isinstance(error, RequestUnreadable | RequestIncomplete) else self.sso_url
        values: dict[str, object] = {"sentence": str(error), "sso_url": expected}
        return self._pages.render("problem.html", values, status_code=status_code)


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def _readable(document: bytes) -> str:
    """Return the response indented for reading; the one that is sent stays as it was signed."""
    root = etree.fromstring(document, etree.XMLParser(remove_blank_text=True))
    return etree.tostring(root, pretty_print=True, encoding="unicode")
