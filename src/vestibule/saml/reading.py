"""Reading elements child by child, so that whatever a schema does not have at a place is a refusal. Knows no vocabulary."""

from __future__ import annotations

from vestibule.saml import xml
from vestibule.saml.errors import InvalidValue, MissingElement, UnexpectedElement


def text_of(element: xml.Element) -> str:
    """Return the text of a leaf, exactly as it stands. Raises UnexpectedElement when it has children."""
    if len(element):
        raise UnexpectedElement(f"{local_name(element)} has children", received=str(element[0].tag))
    return element.text or ""


def token_of(element: xml.Element) -> str:
    """Return the text of a leaf of a token type (URIs) without white space around it."""
    return text_of(element).strip(xml.SPACE)


def without_layout(text: str) -> str:
    """Return a text without the lines and indentation that a pretty-printer put around it; other space is content."""
    stripped = text.strip(xml.SPACE)
    if stripped == text or not stripped:
        return stripped
    before, _, after = text.partition(stripped)
    return stripped if "\n" in before + after else text


def local_name(element: xml.Element) -> str:
    """Return the name without its namespace, for reasons."""
    return element.tag.rpartition("}")[2]


def namespace(element: xml.Element) -> str:
    """Return the namespace, "" when there is none."""
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""


def validate_attributes(element: xml.Element, allowed: frozenset[str]) -> None:
    """Raise UnexpectedElement when the element has an attribute that is not in `allowed`."""
    for name in element.keys():  # noqa: SIM118 - an lxml element iterates over its children
        if name not in allowed:
            raise UnexpectedElement(f"{local_name(element)} has an attribute that it can't have", received=str(name))


def validate_own_attributes(element: xml.Element, allowed: frozenset[str] = frozenset()) -> None:
    """Raise UnexpectedElement for an attribute of no namespace that is not in `allowed`; those of other namespaces are extensions."""
    for name in element.keys():  # noqa: SIM118 - an lxml element iterates over its children
        if name not in allowed and not str(name).startswith("{"):
            raise UnexpectedElement(f"{local_name(element)} has an attribute that it can't have", received=str(name))


def required_attribute(element: xml.Element, name: str) -> str:
    """Return the value of an attribute. Raises MissingElement."""
    value = element.get(name)
    if value is None:
        raise MissingElement(f"{local_name(element)} has no {name}", expected=name)
    return value


def boolean_attribute(element: xml.Element, name: str) -> bool | None:
    """Return the value of an xs:boolean attribute, None when it is absent. Raises InvalidValue."""
    value = element.get(name)
    if value is None:
        return None
    if value.strip(xml.SPACE) not in ("true", "1", "false", "0"):
        raise InvalidValue(f"{name} is neither true nor false", received=value)
    return value.strip(xml.SPACE) in ("true", "1")


def validate_empty(element: xml.Element) -> None:
    """Raise UnexpectedElement when the element has a child or text."""
    if len(element) or element.text:
        Children(element).end()


class Children:
    """Reads the children of an element in the order of the schema; what it does not expect is a refusal."""

    __slots__ = ("_left", "_parent")

    def __init__(self, parent: xml.Element) -> None:
        if parent.text and parent.text.strip(xml.SPACE):
            raise UnexpectedElement(f"{local_name(parent)} has text", received=parent.text)
        self._parent = parent
        self._left = left = list(parent)
        for child in left:
            if child.tail and child.tail.strip(xml.SPACE):
                raise UnexpectedElement(f"{local_name(parent)} has text", received=child.tail)
        left.reverse()  # so that the next one is the last, where taking it is cheapest

    def optional(self, tag: str) -> xml.Element | None:
        """Return the next child if it is a `tag`."""
        left = self._left
        return left.pop() if left and left[-1].tag == tag else None

    def required(self, tag: str) -> xml.Element:
        """Return the next child, which must be a `tag`. Raises MissingElement."""
        left = self._left
        if left and left[-1].tag == tag:
            return left.pop()
        received = str(left[-1].tag) if left else "nothing"
        raise MissingElement(f"{local_name(self._parent)} has no such child here", expected=tag, received=received)

    def several(self, *tags: str) -> list[xml.Element]:
        """Return the next children for as long as they are one of `tags`."""
        left, found = self._left, []
        while left and left[-1].tag in tags:
            found.append(left.pop())
        return found

    def rest(self) -> list[xml.Element]:
        """Return all children that are left."""
        return self._left[::-1]

    def end(self) -> None:
        """Raise UnexpectedElement unless every child was read."""
        if self._left:
            raise UnexpectedElement(
                f"{local_name(self._parent)} has a child that it can't have here", received=str(self._left[-1].tag)
            )


def validate_foreign(element: xml.Element, ours: frozenset[str]) -> None:
    """Raise UnexpectedElement when an extension point holds anything of `ours`, where "" is no namespace.

    What stands there is never read, but this is where wrapped copies of assertions and signatures are hidden.
    """
    for descendant in element.iterdescendants():
        if namespace(descendant) in ours:
            raise UnexpectedElement(
                f"{local_name(element)} holds something that is not an extension", received=str(descendant.tag)
            )
