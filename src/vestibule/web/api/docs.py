"""The API's description as a page, `/api/docs`: the same document that programs read, for people. It adds nothing to it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from markupsafe import Markup, escape
from starlette.responses import Response
from starlette.routing import Route

from vestibule.web.api.description import openapi
from vestibule.web.doors import open_door
from vestibule.web.pages import render
from vestibule.web.visits import Visit

_CODE: Final = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Field:
    """A part of an answer: its path in the JSON, such as `data.reasons[].code`, its type in words, and what it is."""

    path: str
    kind: str
    description: Markup
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the description, with the parts of its answer in a row and a request that asks for it."""

    name: str
    method: str
    path: str
    summary: str
    description: Markup
    parameters: tuple[Mapping[str, Any], ...]
    curl: str
    fields: tuple[Field, ...]
    example: str
    refusals: tuple[tuple[str, Markup], ...]


def page(visit: Visit) -> Response:
    """Show the description. Open to everybody, as the document is."""
    document = openapi(visit.runtime.public_url)
    return render(
        visit,
        "api/docs.html",
        base_url=visit.runtime.public_url,
        version=document["info"]["version"],
        operations=tuple(operations(document)),
        problem=tuple(fields_of(document["components"]["schemas"]["Problem"])),
    )


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    """Return the operations of a description, in its order."""
    base_url = document["servers"][0]["url"]
    for path, methods in document["paths"].items():
        for method, one in methods.items():
            (answer,) = one["responses"]["200"]["content"].values()
            yield Operation(
                name=one["operationId"],
                method=method.upper(),
                path=path,
                summary=one["summary"],
                description=with_code(one["description"]),
                parameters=tuple(one["parameters"]),
                curl=curl(base_url + path, one["parameters"]),
                fields=tuple(fields_of(answer["schema"])),
                example=json.dumps(answer["example"], ensure_ascii=False, indent=2),
                refusals=tuple(
                    (status, with_code(said["description"]))
                    for status, said in one["responses"].items()
                    if status != "200"
                ),
            )


def curl(url: str, parameters: list[Mapping[str, Any]]) -> str:
    """Return a command that asks with the examples; the token comes from the environment, and is in no history of a shell."""
    values = (shlex.quote(f"{one['name']}={one['example']}") for one in parameters)
    lines = [
        f"curl --get {shlex.quote(url)}",
        '-H "Authorization: Bearer $VESTIBULE_TOKEN"',
        *(f"--data-urlencode {value}" for value in values),
    ]
    return " \\\n  ".join(lines)


def fields_of(schema: Mapping[str, Any], path: str = "") -> Iterator[Field]:
    """Return the parts of a JSON Schema, each before those inside it."""
    for name, part in schema.get("properties", {}).items():
        here, inner, kinds = f"{path}{name}", part, part["type"]
        if kinds == "array":
            here, inner = f"{here}[]", part["items"]
        said = " or ".join(kinds) if isinstance(kinds, list) else kinds
        values = tuple(inner.get("enum", ()))
        yield Field(here, said, with_code(part.get("description", "")), values)
        yield from fields_of(inner, f"{here}.")


def with_code(text: str) -> Markup:
    """Return a sentence of ours with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


ROUTES: Final = [Route("/api/docs", open_door(page), methods=["GET"])]
