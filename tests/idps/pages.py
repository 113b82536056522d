"""The sign-in form of the pysaml2 identity provider, and its refusal. The samlp one has the same labels in its own file."""

from __future__ import annotations

from html import escape

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title} · {provider}</title>
<link rel="icon" href="data:,"></head><body><main><h1>{title}</h1>{body}</main></body></html>"""


def sign_in_page(provider: str, ticket: str, *, sentence: str = "") -> str:
    body = (
        f'<p role="alert">{escape(sentence)}</p><form action="/sign-in" method="post">'
        f'<input type="hidden" name="ticket" value="{escape(ticket)}">'
        '<p><label>User name <input name="user_name" autocomplete="username"></label></p>'
        '<p><label>Password <input name="password" type="password" autocomplete="current-password"></label></p>'
        '<p><button type="submit">Sign in</button></p></form>'
    )
    return _PAGE.format(title="Sign in", provider=escape(provider), body=body)


def refusal_page(provider: str, sentence: str) -> str:
    return _PAGE.format(title="Refused", provider=escape(provider), body=f"<p>{escape(sentence)}</p>")


def notice_page(provider: str, title: str, sentence: str) -> str:
    return _PAGE.format(title=escape(title), provider=escape(provider), body=f"<p>{escape(sentence)}</p>")
