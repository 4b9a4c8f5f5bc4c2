"""How far long work has come, told to whoever asks meanwhile: in Valkey, and lost with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime

from redis import Redis
from redis.exceptions import RedisError

from infra.clock import now

# What was killed on its way is told no longer than this.
_KEPT_S = 900


@dataclass(frozen=True, slots=True)
class Stage:
    """At which step of its steps the work is since when; `about` is how many things it has."""

    name: str
    step: int
    steps: int
    since: datetime
    about: int | None


class Progress:
    """The stages of what is being done; a Valkey that is down costs nothing but the telling."""

    def __init__(self, connection: Redis) -> None:
        self._connection = connection

    @contextmanager
    def of(self, work: str, stages: tuple[str, ...]) -> Iterator[Callable[[str, int | None], None]]:
        """Give what tells that a stage begins; after the work nothing is told."""

        def begin(name: str, about: int | None) -> None:
            stage = Stage(name, stages.index(name) + 1, len(stages), now(), about)
            with suppress(RedisError):
                self._connection.set(
                    _key(work), json.dumps(asdict(stage), default=datetime.isoformat), ex=_KEPT_S
                )

        try:
            yield begin
        finally:
            with suppress(RedisError):
                self._connection.delete(_key(work))

    def read(self, work: str) -> Stage | None:
        """Return at which stage the work is, or None where none is known to be going on."""
        with suppress(RedisError):
            kept = self._connection.get(_key(work))
            if isinstance(kept, bytes):
                said = json.loads(kept)
                return Stage(**{**said, "since": datetime.fromisoformat(said["since"])})
        return None


def _key(work: str) -> str:
    return f"vigie:progress:{work}"
