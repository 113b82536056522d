"""What a page said: of what would follow an act, or of how things stand. Its form brings that back, so that nobody acts on what is over."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from starlette.responses import Response

from vestibule.directory.impact import Move
from vestibule.kernel.secrets import same
from vestibule.kernel.text import N_
from vestibule.web.pages import render
from vestibule.web.visits import Visit

FIELD: Final = "shown"
# Beside the field FIELD of a form that was made of something else than there is now.
CHANGED_MEANWHILE: Final = N_(
    "This was changed since you opened this page. Look at it in another tab first: saving again replaces what was changed."
)
_EXACT_BELOW: Final = 100


def said(visit: Visit, *facts: object) -> str:
    """Return what the form of a page carries of the facts that the page says."""
    return visit.runtime.sealer.mac("said before an act", repr(facts))


def outdated(visit: Visit, now: str, field: str = FIELD) -> bool:
    """Say whether the form comes from a page that said something else than what is true now."""
    return visit.form.has(field) and not same(visit.form.get(field), now)


def ask(visit: Visit, template: str, said_before: str, *, outdated: bool, **values: Any) -> Response:
    """Return the page that asks before an act, with what it says for its form; 409 where an `outdated` one was confirmed."""
    return render(
        visit,
        template,
        status=409 if outdated else 200,
        binding=visit.admin.session_id,
        said_before=said_before,
        outdated=outdated,
        **values,
    )


def moved(moves: Iterable[Move]) -> list[tuple[object, ...]]:
    """Return what matters of whom an act concerns, as a fact."""
    return sorted((one.before, one.after, size(one.people), size(one.stranded)) for one in moves if one.changes)


def size(number: int) -> int:
    """Return a number as a fact: a large one by its magnitude, since it changes all the time while people sign in."""
    return number if number < _EXACT_BELOW else _EXACT_BELOW + number.bit_length()
