"""Counts within windows of time, shared by all web processes, or one's own while Valkey is down."""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog
from limits.storage import MemoryStorage, RedisStorage, Storage
from redis import ConnectionPool
from redis.exceptions import RedisError

log = structlog.get_logger()

ASK_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Policy:
    """At most `quota` of something in each window of `window_s` seconds."""

    name: str
    quota: int
    window_s: int

    def left_s(self) -> int:
        """Return how many seconds the present window still has."""
        return self.window_s - int(time.time()) % self.window_s

    def key(self, whose: str) -> str:
        """Return under which key the present window's count of somebody stands."""
        return f"vigie:count:{self.name}:{int(time.time()) // self.window_s}:{whose}"


class Counts:
    """Counts in the shared store; what it does not take is counted in this process's memory."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._shared = RedisStorage("redis://", connection_pool=pool, wrap_exceptions=False)
        self._own = MemoryStorage()
        self._down_until = 0.0

    def add(self, policy: Policy, whose: str, amount: int = 1) -> int:
        """Count so many more, and return how many there are in the present window."""
        key = policy.key(whose)
        try:
            return self._store().incr(key, policy.window_s, amount)
        except RedisError:
            return self._fall_back().incr(key, policy.window_s, amount)

    def _store(self) -> Storage:
        return self._shared if time.monotonic() >= self._down_until else self._own

    def _fall_back(self) -> Storage:
        # Each request asking a store that is down would wait for its timeout.
        self._down_until = time.monotonic() + ASK_AGAIN_S
        log.warning("queue unavailable; limits are counted in memory")
        return self._own
