"""The texts of mails. Each kind is one text template: its first line is the subject, the rest paragraphs; the HTML is made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from vestibule.kernel import locales

_FOLDER: Final = Path(__file__).parent / "letters"
KINDS: Final = frozenset(path.stem for path in _FOLDER.glob("*.txt"))


@dataclass(frozen=True, slots=True)
class LetterText:
    """A letter as it is read: the same words as plain text and as HTML."""

    subject: str
    text: str
    html: str


def write_letter(
    kind: str, *, name: str, url: str, workspace: str, facts: Mapping[str, str] | None = None
) -> LetterText:
    """Return a letter of one of KINDS in the language that is set. `name`, `workspace` and `facts` are people's own words: escaped in HTML.

    Raises KeyError for another kind.
    """
    if kind not in KINDS:
        raise KeyError(kind)
    template = _environment(autoescape=False).get_template(f"{kind}.txt")
    rendered = template.render(name=name, url=url, workspace=workspace, facts=facts or {})
    subject, _, body = rendered.strip().partition("\n")
    paragraphs = [" ".join(part.split()) for part in body.split("\n\n") if part.strip()]
    html = (
        _environment(autoescape=True)
        .get_template("letter.html")
        .render(paragraphs=paragraphs, url=url, language=locales.language())
    )
    return LetterText(" ".join(subject.split()), "\n\n".join(paragraphs) + "\n", html)


@cache
def _environment(*, autoescape: bool) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=autoescape,  # noqa: S701 - off for plain text only
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )
    locales.install(environment)
    return environment
