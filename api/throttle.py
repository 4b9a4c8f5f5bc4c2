"""Failed logins are counted per person and address, so that nobody can lock a colleague out."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import ConnectionPool
from redis.exceptions import RedisError

log = structlog.get_logger()

WINDOW_MINUTES = 5
ASK_AGAIN_S = 5.0
PER_PERSON = RateLimitItemPerMinute(10, WINDOW_MINUTES, namespace="login-person")
PER_ADDRESS = RateLimitItemPerMinute(100, WINDOW_MINUTES, namespace="login-address")


class TooManyLogins(Exception):
    """Too many failed logins; `retry_after_s` tells when to come back."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("too many failed logins")
        self.retry_after_s = retry_after_s


class LoginThrottle:
    """Counts in the shared store and in this process's memory, which serves while that is down."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._shared = FixedWindowRateLimiter(
            RedisStorage("redis://", connection_pool=pool, wrap_exceptions=False)
        )
        self._own = FixedWindowRateLimiter(MemoryStorage())
        self._down_until = 0.0

    def check(self, email: str, address: str) -> None:
        """Raise TooManyLogins when one of the two counts is used up."""
        for limiter in self._limiters():
            for item, key in _counts(email, address):
                with self._patience():
                    if not limiter.test(item, key):
                        reset_at = limiter.get_window_stats(item, key).reset_time
                        raise TooManyLogins(max(1, int(reset_at - time.time()) + 1))

    def count_failure(self, email: str, address: str) -> None:
        """Count one failed login."""
        for limiter in self._limiters():
            for item, key in _counts(email, address):
                with self._patience():
                    limiter.hit(item, key)

    @contextmanager
    def _patience(self) -> Iterator[None]:
        """Go on without the shared store while it is down, and leave it alone for a moment."""
        try:
            yield
        except RedisError:
            self._down_until = time.monotonic() + ASK_AGAIN_S
            log.warning("queue unavailable; failed logins are counted in memory")

    def _limiters(self) -> list[FixedWindowRateLimiter]:
        up = time.monotonic() >= self._down_until
        return [self._shared, self._own] if up else [self._own]


def _counts(email: str, address: str) -> list[tuple[RateLimitItem, str]]:
    # The store is no place for e-mail addresses, hence the digest.
    person = hashlib.sha256(f"{email.strip().lower()}\0{address}".encode()).hexdigest()
    return [(PER_PERSON, person), (PER_ADDRESS, address)]
