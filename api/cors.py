"""What other sites' pages may read: the public GETs, without anybody's credentials."""

from __future__ import annotations

from flask import Response, current_app, request

from api.blueprint import BASE
from api.callers import ANYONE, declared

READABLE = "ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
PREFLIGHT_KEPT_S = 86_400


def allow(answer: Response) -> None:
    """Let pages of any origin read the answer, if everybody may."""
    if not _is_public_get():
        return
    answer.headers["Access-Control-Allow-Origin"] = "*"
    answer.headers["Access-Control-Expose-Headers"] = READABLE
    if request.method == "OPTIONS":
        answer.headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
        answer.headers["Access-Control-Allow-Headers"] = "Accept, Accept-Language"
        answer.headers["Access-Control-Max-Age"] = str(PREFLIGHT_KEPT_S)


def _is_public_get() -> bool:
    asked = request.url_rule
    if asked is None or request.method not in {"GET", "HEAD", "OPTIONS"}:
        return False
    # Reading and writing at one address are routes of their own, and a preflight meets either.
    return request.path.startswith((f"{BASE}/", "/open311/")) and any(
        rule.rule == asked.rule
        and "GET" in (rule.methods or ())
        and declared(current_app.view_functions[rule.endpoint]) == ANYONE
        for rule in current_app.url_map.iter_rules()
    )
