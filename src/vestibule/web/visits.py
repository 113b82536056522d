"""A Visit: one request as a synchronous door sees it, with its form read and bounded, and everything marked untrusted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from vestibule.flows.parts.callers import AdminCaller, Visitor
from vestibule.flows.parts.runtime import Runtime
from vestibule.kernel import locales
from vestibule.web.site import Site
from vestibule.web.threads import in_thread

MAX_FIELDS: Final = 1000
MAX_UPLOAD_BYTES: Final = 2 * 1024 * 1024
MAX_FILES: Final = 4
# Up to here, reading a form costs less than a worker thread to read it in; a SAML response is a third of it.
_SMALL_FORM_BYTES: Final = 64 * 1024
_BOUNDARY: Final = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{1,70}\Z")  # RFC 2046, 5.1.1
_UTF8_NAMES: Final = {b"utf-8", b"utf8"}


@dataclass(frozen=True, slots=True)
class Form:
    """Fields by name (untrusted), each with all its values in the order sent, and uploaded files as bytes."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a field."""
        return self.fields.get(name, (default,))[0]

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of a field."""
        return self.fields.get(name, ())

    def has(self, name: str) -> bool:
        """Say whether a field was sent: a ticked checkbox."""
        return name in self.fields


_NO_FORM: Final = Form()


@dataclass(slots=True)
class Visit:
    """One request. `caller` is set for doors of the console, after the session was resumed."""

    site: Site
    runtime: Runtime
    method: str
    path: str
    path_params: Mapping[str, str]
    query: Form
    form: Form
    cookies: Mapping[str, str]
    visitor: Visitor
    sec_fetch_site: str | None
    origin: str | None
    raw_query: bytes = b""
    authorization: str = field(default="", repr=False)
    referer: str = ""
    caller: AdminCaller | None = None

    def gettext(self, message: str, **params: str) -> str:
        """Return one of our English sentences in the visitor's language, its placeholders filled."""
        return locales.gettext(message, params)

    @property
    def admin(self) -> AdminCaller:
        """Return the signed-in admin; only doors behind `console()` ask."""
        if self.caller is None:
            msg = "a door asked for an admin outside the console"
            raise RuntimeError(msg)
        return self.caller


async def read_visit(request: Request) -> Visit:
    """Read a request into a Visit. Raises HTTPException 400, 413 or 415 for bodies that no form of ours sends."""
    return read_head(request, await _read_form(request) if request.method == "POST" else Form())


def read_head(request: Request, form: Form = _NO_FORM) -> Visit:
    """Read a request into a Visit but for its body, which is no form or was read already."""
    site: Site = request.app.state.site
    state = request.state
    return Visit(
        site=site,
        runtime=site.runtime,
        method=request.method,
        path=request.scope["path"],
        path_params=request.path_params,
        query=_grouped(_parse_query(request.scope["query_string"])),
        form=form,
        cookies=parse_cookies(request.headers.getlist("cookie"), site.cookie_name("")),
        visitor=Visitor(state.client_address, request.headers.get("user-agent", "")[:500], state.request_id),
        sec_fetch_site=request.headers.get("sec-fetch-site"),
        origin=request.headers.get("origin"),
        raw_query=request.scope["query_string"],
        authorization=request.headers.get("authorization", ""),
        referer=request.headers.get("referer", ""),
    )


def parse_cookies(headers: Iterable[str], prefix: str) -> dict[str, str]:
    """Return our cookies, those whose names begin with `prefix`, from Cookie headers (untrusted). The first of a name counts.

    Values are taken as they stand: ours need no quotes, and unquoting takes the standard library quadratic time.
    """
    found: dict[str, str] = {}
    for pair in ";".join(headers).split(";"):
        name, equals, value = pair.strip().partition("=")
        if equals and name.startswith(prefix):
            found.setdefault(name, value)
    return found


def _parse_query(raw: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(raw.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        # An address with a thousand fields is not one of ours; its page is shown as if it had none.
        return []


async def _read_form(request: Request) -> Form:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        body = await request.body()
        try:
            if len(body) <= _SMALL_FORM_BYTES:
                return _parse_urlencoded(body)
            return await in_thread(_parse_urlencoded, body)
        except ValueError as error:
            raise HTTPException(400) from error
    if kind == "multipart/form-data":
        try:
            return await _parse_multipart(request)
        except (MultiPartException, ValueError) as error:
            raise HTTPException(400) from error
    # A POST that brings all it has in its headers (OpenID Connect Core 5.3.1). Without a length there is no body (RFC 9112, 6.3).
    if request.headers.get("content-length", "0") == "0" and "transfer-encoding" not in request.headers:
        return Form()
    raise HTTPException(415)


def _parse_urlencoded(body: bytes) -> Form:
    """Return a form. Raises ValueError for more than MAX_FIELDS, and for what is not UTF-8, as it stands or behind the escapes."""
    # As parse_qsl reads it, on bytes: on text it looks at every character several times, and a SAML response has 20,000.
    body.decode()
    fields = body.split(b"&", MAX_FIELDS)
    if len(fields) > MAX_FIELDS:
        raise ValueError("too many fields")
    pairs = (field.replace(b"+", b" ").partition(b"=") for field in fields if field)
    return _grouped([(unquote_to_bytes(name).decode(), unquote_to_bytes(value).decode()) for name, _, value in pairs])


async def _parse_multipart(request: Request) -> Form:
    """Return a form with files. Raises MultiPartException or ValueError for what is malformed, HTTPException 415."""
    _, options = parse_options_header(request.headers["content-type"])
    if options.get(b"charset", b"utf-8").lower() not in _UTF8_NAMES:
        # Python knows a hundred codecs, some quadratic, some with surrogates as output; browsers send UTF-8.
        raise HTTPException(415)
    boundary = options.get(b"boundary", b"")
    if not _BOUNDARY.match(boundary):
        raise HTTPException(400)
    # Latin-1 gives the bytes back, so that it is we who decode them, strictly.
    content_type = f'multipart/form-data; charset=latin-1; boundary="{boundary.decode("ascii")}"'
    async with aclosing(request.stream()) as stream:
        parser = MultiPartParser(
            Headers({"content-type": content_type}),
            stream,
            max_files=MAX_FILES,
            max_fields=MAX_FIELDS,
            max_part_size=MAX_UPLOAD_BYTES,
        )
        data = await parser.parse()
    try:
        pairs, files = [], {}
        for name, value in data.multi_items():
            if isinstance(value, UploadFile):
                # One byte over the limit is kept, so that who reads the file says beside its field that it is too large.
                files[_utf8(name)] = await value.read(MAX_UPLOAD_BYTES + 1)
            else:
                pairs.append((_utf8(name), _utf8(value)))
    finally:
        await data.close()
    return Form(_grouped(pairs).fields, files)


def _utf8(latin: str) -> str:
    return latin.encode("latin-1").decode("utf-8")


def _grouped(pairs: list[tuple[str, str]]) -> Form:
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        # NUL can't be stored in PostgreSQL and means nothing in a form.
        fields[name] = (*fields.get(name, ()), value.replace("\0", "") if "\0" in value else value)
    return Form(fields)
