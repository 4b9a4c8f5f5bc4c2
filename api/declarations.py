"""What views declare of themselves, for the description and for the tests of the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

CALLER, ACT, ERRORS, HEADERS = "caller", "act", "errors", "headers"
# What is no text, such as a picture.
BYTES = {"type": "string", "format": "binary"}
# Where flask-smorest keeps what it writes into the description, so that ours gets there too.
_KEPT = "_apidoc"


def said(view: Callable[..., Any]) -> Mapping[str, Any]:
    """Return all that the view declares."""
    found: Mapping[str, Any] = getattr(view, _KEPT, {})
    return found


def declare(view: View, name: str, value: object) -> View:
    """Keep with the view what it declares."""
    setattr(view, _KEPT, {**said(view), name: value})
    return view


def raises(*errors: type[Exception]) -> Callable[[View], View]:
    """Declare with which errors the view may end, beside those that follow from what it reads."""

    def decorate(view: View) -> View:
        return declare(view, ERRORS, (*said(view).get(ERRORS, ()), *errors))

    return decorate


def reads(
    name: str, shape: Mapping[str, object], *, required: bool = False
) -> Callable[[View], View]:
    """Declare a header that the view reads, and of what shape it is."""

    def decorate(view: View) -> View:
        described = {"required": required, "schema": {"type": "string", **shape}}
        return declare(view, HEADERS, {**said(view).get(HEADERS, {}), name: described})

    return decorate
