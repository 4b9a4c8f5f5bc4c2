"""Counts within windows of time, shared by all web processes, or one's own while Valkey is down."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from limits.storage import MemoryStorage
from redis import ConnectionPool, Redis
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
        self._shared = Redis(connection_pool=pool)
        self._own = MemoryStorage()
        self._down_until = 0.0

    def add(self, policy: Policy, whose: str, amount: int = 1) -> int:
        """Count so many more, and return how many there are in the present window."""
        [count] = self.add_each([(policy, whose)], amount)
        return count

    def add_each(self, counted: Sequence[tuple[Policy, str]], amount: int = 1) -> list[int]:
        """Count so many more of each, in one round trip, and return how many there are of each."""
        keys = [(policy.key(whose), policy.window_s) for policy, whose in counted]
        if time.monotonic() >= self._down_until:
            try:
                return self._add_shared(keys, amount)
            except RedisError:
                # Each request asking a store that is down would wait for its timeout.
                self._down_until = time.monotonic() + ASK_AGAIN_S
                log.warning("queue unavailable; limits are counted in memory")
        return [self._own.incr(key, window_s, amount) for key, window_s in keys]

    def _add_shared(self, keys: Sequence[tuple[str, int]], amount: int) -> list[int]:
        pipe = self._shared.pipeline(transaction=False)
        for key, window_s in keys:
            # In this order, a connection lost in between leaves nothing that stays for ever.
            pipe.set(key, 0, ex=window_s, nx=True)
            pipe.incrby(key, amount)
        return list(pipe.execute()[1::2])
