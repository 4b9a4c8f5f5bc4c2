"""How many requests an address may send: told in every answer, refused beyond."""

from __future__ import annotations

import hashlib

from flask import Response, g, request

from api.counts import Counts, Policy
from api.tokens import bearer

WINDOW_S = 60
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# A monitor that is held back would raise an alarm about nothing.
UNLIMITED = frozenset({"health.is_alive", "health.is_ready", "metrics.read"})


class TooManyRequests(Exception):
    """The caller has used up what one may send; `retry_after_s` tells when to come back."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many requests")
        self.retry_after_s = retry_after_s


class RequestLimits:
    """Counts requests by address and by token, reads and writes apart."""

    def __init__(self, counts: Counts, reads: int, writes: int) -> None:
        self._counts = counts
        self._reads = Policy("reads", reads, WINDOW_S)
        self._writes = Policy("writes", writes, WINDOW_S)

    def admit(self) -> None:
        """Count the present request; raise TooManyRequests when its caller has had enough."""
        if request.endpoint in UNLIMITED:
            return
        policy = self._reads if request.method in SAFE_METHODS else self._writes
        used = max(self._counts.add(policy, whose) for whose in _callers())
        left_s = policy.left_s()
        g.rate_limit = (policy, max(0, policy.quota - used), left_s)
        if used > policy.quota:
            raise TooManyRequests(left_s)


def tell(answer: Response) -> None:
    """Say in the answer what the policy is and what is left of it."""
    if "rate_limit" not in g:
        return
    policy, remaining, left_s = g.rate_limit
    answer.headers["RateLimit-Policy"] = f'"{policy.name}";q={policy.quota};w={policy.window_s}'
    answer.headers["RateLimit"] = f'"{policy.name}";r={remaining};t={left_s}'


def _callers() -> list[str]:
    """Return as whom the request counts: its address, and the token that it carries."""
    token = bearer()
    address = f"address:{request.remote_addr}"
    if token is None:
        return [address]
    return [address, f"token:{hashlib.sha256(token.encode()).hexdigest()}"]
