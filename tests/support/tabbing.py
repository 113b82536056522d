"""The walk through a page by the Tab key: at every stop the focus is seen, and the stops are in the order of the page."""

from __future__ import annotations

from typing import Final

from playwright.sync_api import Page

# Each element that has the focus is marked, so that the way of the Tab key is known to be round when it comes to one again.
_STOP = """() => {
  const at = document.activeElement;
  if (!at || at === document.body || at.dataset.stop) return null;
  const before = [...document.querySelectorAll("[data-stop]")].pop(), style = getComputedStyle(at);
  const outlined = style => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  // A choice may be drawn as a card beside its radio button, which has the outline then.
  const card = at.matches("label input") && at.nextElementSibling;
  const seen = outlined(style) || style.boxShadow !== "none" || (card && outlined(getComputedStyle(card)));
  const back = before && (before.compareDocumentPosition(at) & Node.DOCUMENT_POSITION_PRECEDING) !== 0;
  at.dataset.stop = "1";
  return [seen ? "" : "the focus is not seen", back ? "the focus jumps back" : "", at.outerHTML.slice(0, 160)];
}"""
_MOST_STOPS: Final = 150


def lost_on_the_way(page: Page) -> list[str]:
    """Return where, by the Tab key from the top, nobody sees the focus, or where it goes against the order of the page."""
    # Where a field has the focus from the start, the way would begin there and come round by the top.
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
    lost: list[str] = []
    for _ in range(_MOST_STOPS):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        if stop is None:
            return lost
        lost.extend(f"{fault}: {stop[2]}" for fault in stop[:2] if fault)
    return [*lost, "the Tab key does not come round"]
