"""The practice directory's page: where to push, and for each product the steps of a person's life with what was sent."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from vestibule.practice.directories.talk import STEP_LABELS, Step
from vestibule.practice.directory import PracticeDirectory
from vestibule.practice.errors import ForeignPage, PracticeError, TargetNotLocal, TokenUnusable, UnknownChoice
from vestibule.practice.pages import Pages


class DirectoryPages:
    """Pages over a directory."""

    def __init__(self, directory: PracticeDirectory, pages: Pages) -> None:
        self._directory = directory
        self._pages = pages

    def routes(self) -> list[BaseRoute]:
        """Return where the pages are."""
        return [
            Route("/directory", self._page),
            Route("/directory/target", self._aim, methods=["POST"]),
            Route("/directory/{vendor}/{step}", self._take, methods=["POST"]),
        ]

    async def _page(self, _: Request) -> Response:
        return self._shown()

    async def _aim(self, request: Request) -> Response:
        require_own_page(request)
        form = await request.form()
        base_url, token = (str(form.get(name, "")) for name in ("base_url", "token"))
        try:
            self._directory.aim(base_url, token)
        except (TargetNotLocal, TokenUnusable) as error:
            return self._shown(error, base_url)
        return RedirectResponse("/directory", status_code=303)

    async def _take(self, request: Request) -> Response:
        require_own_page(request)
        desk = self._directory.desks.get(request.path_params["vendor"])
        if desk is None or request.path_params["step"] not in set(Step):
            raise UnknownChoice("no such product or step")
        try:
            await run_in_threadpool(self._directory.take, desk, Step(request.path_params["step"]))
        except PracticeError as error:
            desk.went_through, desk.outcome = False, str(error)
        return RedirectResponse(f"/directory#{desk.vendor.key}", status_code=303)

    def _shown(self, error: PracticeError | None = None, base_url: str = "") -> Response:
        target = self._directory.target
        values: dict[str, object] = {
            "target": target,
            "base_url": base_url or (target.base_url if target else ""),
            "error": error,
            "desks": self._directory.desks.values(),
            "steps": STEP_LABELS,
        }
        return self._pages.render("directory.html", values, status_code=400 if error else 200)


def require_own_page(request: Request) -> None:
    """Raise ForeignPage unless a form of ours was sent: what acts on another server, no page of another site may click for somebody."""
    # Browsers send Origin with each POST.
    if request.headers.get("origin") != f"{request.url.scheme}://{request.headers.get('host')}":
        raise ForeignPage("Origin is another or missing")
