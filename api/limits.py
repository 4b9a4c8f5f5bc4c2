"""How many requests a caller may send: told in every answer, refused beyond."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product

from flask import Response, g, request

from api import addresses
from api.counts import Counts, Policy
from api.tokens import bearer
from city.keys import Client

WINDOW_S = 60
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# A monitor that is held back would raise an alarm about nothing.
UNLIMITED = frozenset({"health.is_alive", "health.is_ready", "metrics.read"})
# Routes that cost more than others have budgets of their own besides, so that they are used up
# before a caller's reads or writes are.
BUDGETS: Mapping[str, str] = {
    "reports.list_reports": "searches",
    "tickets.list_tickets": "searches",
    "similar.find_similar": "searches",
    "similar.find_similar_to_ticket": "searches",
    "audit.list_audit": "searches",
    "audit.export_csv": "searches",
    "audit.export_lines": "searches",
    "reports.send_report": "reports",
    "open311.list_requests": "searches",
    "open311.list_updates": "searches",
    "open311.send_request": "reports",
    "open311.take_update": "updates",
    "supports.support_ticket": "supports",
    "supports.subscribe_to_ticket": "subscriptions",
    "photos.put_photo": "photos",
    "photos.post_photo": "photos",
    "photo_page.add_photo": "photos",
    "proof.put_photo": "photos",
    "sessions.log_in": "logins",
    "accounts.ask_for_reset": "logins",
    "accounts.set_password": "logins",
    "password_page.set_password": "logins",
}
# Where a client's key counts, and not where the client comes from.
BY_KEY = frozenset({"reports.send_report", "open311.send_request", "open311.take_update"})
# Of all reads, or of all writes.
_SHARE_OF_A_BUDGET = 2


GivenKey = Callable[[], str | None]
FindClient = Callable[[], Client | None]


class TooManyRequests(Exception):
    """The caller has used up what one may send; `retry_after_s` tells when to come back."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many requests")
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands with one policy: requests `used` so far, seconds `left_s` to go."""

    policy: Policy
    used: int
    left_s: int


class RequestLimits:
    """Counts requests by address and by token, reads and writes apart, dear routes once more."""

    def __init__(self, counts: Counts, reads: int, writes: int) -> None:
        self._counts = counts
        self._reads = Policy("reads", reads, WINDOW_S)
        self._writes = Policy("writes", writes, WINDOW_S)
        self._guesses = Policy("guesses", writes, WINDOW_S)

    def admit(self, given_key: GivenKey, find_client: FindClient) -> None:
        """Count the present request; raise TooManyRequests when its caller has had enough.

        `given_key` returns the key that it carries, known or not, `find_client` whose it is.
        """
        if request.endpoint in UNLIMITED:
            return
        key = given_key()
        counted = self._of_client(find_client) if key and request.endpoint in BY_KEY else None
        policies, callers = counted or (list(self._policies()), _callers(key))
        counts = iter(self._counts.add_each(list(product(policies, callers))))
        g.rate_limits = standings = [
            Standing(policy, max(islice(counts, len(callers))), policy.left_s())
            for policy in policies
        ]
        spent = [standing for standing in standings if standing.used > standing.policy.quota]
        if spent:
            raise TooManyRequests(max(standing.left_s for standing in spent))

    def _of_client(self, find_client: FindClient) -> tuple[list[Policy], list[str]] | None:
        """Return what counts for a client that hands something in by its key, and as whom.

        It has the key's own limit, wherever it comes from. What is no key of ours counts as
        anything else does, and after too many of these nobody looks them up any more.
        """
        address = addresses.of_caller()
        if self._counts.add(self._guesses, address, 0) >= self._guesses.quota:
            return None
        client = find_client()
        if client is None:
            self._counts.add(self._guesses, address)
            return None
        name = BUDGETS[request.endpoint or ""]
        return [Policy(name, client.per_minute, WINDOW_S)], [f"key:{client.key_id}"]

    def _policies(self) -> Iterator[Policy]:
        general = self._reads if request.method in SAFE_METHODS else self._writes
        yield general
        budget = BUDGETS.get(request.endpoint or "")
        if budget is not None:
            yield Policy(budget, max(1, general.quota // _SHARE_OF_A_BUDGET), WINDOW_S)


def tell(answer: Response) -> None:
    """Say in the answer what the policies are and what is left of each."""
    standings: list[Standing] = g.get("rate_limits", [])
    if not standings:
        return
    answer.headers["RateLimit-Policy"] = ", ".join(
        f'"{one.policy.name}";q={one.policy.quota};w={one.policy.window_s}' for one in standings
    )
    answer.headers["RateLimit"] = ", ".join(
        f'"{one.policy.name}";r={max(0, one.policy.quota - one.used)};t={one.left_s}'
        for one in standings
    )


def _callers(key: str | None) -> list[str]:
    """Return as whom the request counts: its address, and the key or token that it carries."""
    token = key or bearer()
    address = f"address:{addresses.of_caller()}"
    if token is None:
        return [address]
    return [address, f"token:{hashlib.sha256(token.encode('utf-8', 'surrogatepass')).hexdigest()}"]
