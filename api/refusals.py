"""One line in the log for every request that is refused, of which nothing is personal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, request

from api.problems import Fault, Problem
from api.services import services

log = structlog.get_logger()

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"
_KEY = "vigie.names"
_NOT_OURS = "*"


@dataclass(frozen=True, slots=True)
class _Refusal:
    problem: str
    at: list[str]
    error: str | None


def install(app: Flask, *descriptions: dict[str, Any]) -> None:
    """Learn from the descriptions which names of members and parameters are our own."""
    app.extensions[_KEY] = frozenset(_names(list(descriptions)))


def note(problem: Problem, error: Exception | None = None) -> None:
    """Keep for the log why the present request is refused."""
    cause = type(error).__name__ if error is not None and problem.status >= 500 else None
    g.refusal = _Refusal(problem.slug, [_place(fault) for fault in problem.faults], cause)


def tell(answer: Response) -> None:
    """Write the line of an answer that refuses: where, and of what kind, but no value."""
    if answer.status_code < 400:
        return
    write = log.error if answer.status_code >= 500 else log.info
    refusal: _Refusal = g.get("refusal") or _Refusal(f"http-{answer.status_code}", [], None)
    write(
        "request refused",
        method=method(),
        route=route(),
        status=answer.status_code,
        problem=refusal.problem,
        at=refusal.at,
        error=refusal.error,
    )
    services().metrics.refusals.labels(answer.status_code, refusal.problem).inc()


def method() -> str:
    """Return the request's method, or "other" for one that nobody here has heard of."""
    return request.method if request.method in METHODS else OTHER


def route() -> str:
    """Return the pattern that the request's path matched, or "other" for none."""
    return request.url_rule.rule if request.url_rule else OTHER


def _place(fault: Fault) -> str:
    # A client may put anything where the name of a member or of a parameter belongs.
    place = fault.pointer or fault.parameter or ""
    return "/".join(part if _is_ours(part) else _NOT_OURS for part in place.split("/"))


def _is_ours(part: str) -> bool:
    return part == "" or part in _known() or (part.isascii() and part.isdigit() and len(part) < 4)


def _known() -> frozenset[str]:
    known: frozenset[str] = current_app.extensions[_KEY]
    return known


def _names(described: Any) -> Iterator[str]:
    if isinstance(described, dict):
        if isinstance(described.get("properties"), dict):
            yield from described["properties"]
        if "in" in described and isinstance(described.get("name"), str):
            yield described["name"]
        for inner in described.values():
            yield from _names(inner)
    elif isinstance(described, list):
        for inner in described:
            yield from _names(inner)
