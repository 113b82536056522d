"""A Visit: one request as a synchronous door sees it, with its form read and bounded, and everything marked untrusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from vestibule.flows.parts.callers import AdminCaller, Visitor
from vestibule.flows.parts.runtime import Runtime
from vestibule.web.site import Site

MAX_FIELDS: Final = 1000
MAX_UPLOAD_BYTES: Final = 2 * 1024 * 1024


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
    caller: AdminCaller | None = None

    def gettext(self, message: str, **params: str) -> str:
        """Return one of our English sentences in the visitor's language, its placeholders filled."""
        translated = self.site.translations.gettext(message)
        return translated % params if params else translated

    @property
    def admin(self) -> AdminCaller:
        """Return the signed-in admin; only doors behind `console()` ask."""
        if self.caller is None:
            msg = "a door asked for an admin outside the console"
            raise RuntimeError(msg)
        return self.caller


async def read_visit(request: Request) -> Visit:
    """Read a request into a Visit. Raises HTTPException 400, 413 or 415 for bodies that no form of ours sends."""
    site: Site = request.app.state.site
    form = await _read_form(request) if request.method == "POST" else Form()
    state = request.state
    return Visit(
        site=site,
        runtime=site.runtime,
        method=request.method,
        path=request.url.path,
        path_params=request.path_params,
        query=_grouped(parse_qsl(request.url.query, keep_blank_values=True)[:MAX_FIELDS]),
        form=form,
        cookies=request.cookies,
        visitor=Visitor(state.client_address, request.headers.get("user-agent", "")[:500], state.request_id),
        sec_fetch_site=request.headers.get("sec-fetch-site"),
        origin=request.headers.get("origin"),
    )


async def _read_form(request: Request) -> Form:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        body = await request.body()
        try:
            pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
        except (UnicodeDecodeError, ValueError) as error:
            raise HTTPException(400) from error
        return _grouped(pairs)
    if kind == "multipart/form-data":
        return await _multipart(await request.form(max_files=4, max_fields=MAX_FIELDS, max_part_size=MAX_UPLOAD_BYTES))
    raise HTTPException(415)


async def _multipart(data: FormData) -> Form:
    pairs = [(name, value) for name, value in data.multi_items() if isinstance(value, str)]
    files = {}
    for name, value in data.multi_items():
        if isinstance(value, UploadFile):
            # One byte over the limit is kept, so that who reads the file says beside its field that it is too large.
            files[name] = await value.read(MAX_UPLOAD_BYTES + 1)
    return Form(_grouped(pairs).fields, files)


def _grouped(pairs: list[tuple[str, str]]) -> Form:
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        # NUL can't be stored in PostgreSQL and means nothing in a form.
        fields[name] = (*fields.get(name, ()), value.replace("\0", ""))
    return Form(fields)
