"""Accessibility rules, checked by axe-core in the page itself.

Owns running it under a strict CSP and saying readably what it found. axe-core comes with the axe-playwright-python package.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice")
# What may differ between light and dark.
COLOUR_RULES = ("color-contrast", "link-in-text-block")
_RUN = "axe.run(document, {runOnly: {type: '%s', values: %s}, resultTypes: ['violations']})"


def axe_violations(page: Page, rules: tuple[str, ...] = ()) -> list[str]:
    """Return one readable line per violating element of the page as it stands: rule, what is wrong, where. Empty is good.

    `rules` names the only ones to judge by, for a page that was judged by all a moment ago.
    """
    session = page.context.new_cdp_session(page)
    run = _RUN % (("rule", list(rules)) if rules else ("tag", list(RULES)))
    try:
        # Through the debugger, as the page's CSP rightly forbids foreign scripts.
        if not _evaluate(session, "typeof axe === 'object'"):
            _evaluate(session, _axe_source())
        result = _evaluate(session, run)
    finally:
        session.detach()
    if not result["passes"]:
        raise AssertionError("axe judged nothing: the page is empty or the rules are unknown to it")
    return [
        f"{violation['id']} ({violation['impact']}): {violation['help']}: {' '.join(map(str, node['target']))}: {node['html'][:200]}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


@cache
def _axe_source() -> str:
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None or spec.origin is None:
        raise AssertionError("the axe-playwright-python package is not installed")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8") + "\n;undefined"


def _evaluate(session: CDPSession, expression: str) -> Any:
    answer = session.send("Runtime.evaluate", {"expression": expression, "awaitPromise": True, "returnByValue": True})
    if "exceptionDetails" in answer:
        raise AssertionError(f"axe failed: {answer['exceptionDetails']}")
    return answer["result"].get("value")
