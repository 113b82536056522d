"""Pages that fit their window: nothing has to be scrolled to sideways, and nothing is cut off where it can't be seen at all."""

from __future__ import annotations

from playwright.sync_api import Page

# What a card cuts off at its edge needs no scrolling, and is lost all the same.
_CUT_OFF = """() => [...document.querySelectorAll("main *, header *, footer *, dialog[open] *")].filter(element => {
  const box = element.getBoundingClientRect();
  return box.width > 1 && box.height > 1 && box.right > window.innerWidth + 1 && !element.closest("svg, .visually-hidden");
}).map(element => element.outerHTML.slice(0, 160))"""


def sticks_out(page: Page) -> list[str]:
    """Return what would have to be scrolled to sideways, or can't be seen at all."""
    wide = page.evaluate("document.documentElement.scrollWidth") - page.evaluate("window.innerWidth")
    return [*page.evaluate(_CUT_OFF), *([f"the page is {wide} px too wide"] if wide > 0 else [])]
