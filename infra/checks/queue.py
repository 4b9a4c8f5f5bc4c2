"""The queue: there, losing nothing of its own accord, and with somebody who listens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from functools import partial
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue as RqQueue
from rq import Worker
from rq.serializers import JSONSerializer

from infra.checks.findings import Finding, first_line, guard, ok, warning, wrong
from infra.clock import now
from infra.queue import NudgeQueue, QueueName, connect
from infra.settings import Settings

# A worker says every quarter of a minute that it lives, unless a mail takes its time.
_SILENCE = timedelta(seconds=75)


def look(settings: Settings) -> Iterator[Finding]:
    """Check the queue, and who listens to it."""
    connection = connect(settings.redis_url)
    try:
        try:
            told = cast(dict[str, Any], connection.info())
        except RedisError as error:
            yield wrong("queue", f"it does not answer: {first_line(error)}; see REDIS_URL")
            return
        nudges = NudgeQueue(connection, settings.job_timeouts_s)
        yield guard("queue", partial(taking, nudges, told))
        yield guard("eviction", partial(eviction, told))
        yield guard("persistence", partial(persistence, told))
        for name in QueueName:
            yield guard(f"workers of {name}", partial(workers, connection, name))
    finally:
        connection.close()


def taking(nudges: NudgeQueue, told: dict[str, Any]) -> Finding:
    """Check that the queue takes what it is given."""
    name = "Valkey" if "valkey_version" in told else "Redis"
    version = told.get("valkey_version") or told.get("redis_version")
    try:
        nudges.ping()
    except RedisError as error:
        return wrong("queue", f"{name} {version} refuses to be written to: {first_line(error)}")
    return ok("queue", f"{name} {version}")


def eviction(told: dict[str, Any]) -> Finding:
    """Check that no job is thrown away when memory is short."""
    policy = told.get("maxmemory_policy", "unknown")
    if policy != "noeviction":
        advice = "jobs may be thrown away; set maxmemory-policy noeviction in its configuration"
        return wrong("eviction", f"maxmemory-policy is {policy}: {advice}")
    return ok("eviction", "maxmemory-policy is noeviction")


def persistence(told: dict[str, Any]) -> Finding:
    """Tell whether jobs survive a restart, and check that nothing fails to be saved."""
    for field in ("rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status"):
        if told.get(field, "ok") != "ok":
            told_why = "it cannot save to its disk, and may refuse every change; see its log"
            return wrong("persistence", f"{field} is {told[field]}: {told_why}")
    how = "append-only file" if told.get("aof_enabled") else "snapshots at most"
    return ok("persistence", f"{how}; the sweeper makes good what a restart loses")


def workers(connection: Redis, name: QueueName) -> Finding:
    """Check that somebody listens to the queue."""
    check = f"workers of {name}"
    queue = RqQueue(name, connection=connection, serializer=JSONSerializer)
    heard = [worker.last_heartbeat for worker in Worker.all(queue=queue)]
    alive = [at for at in heard if at is not None and now() - at.astimezone(UTC) < _SILENCE]
    if not alive:
        return wrong(check, f"none listens, {queue.count} jobs wait; start: python -m workers")
    if len(alive) < len(heard):
        return warning(check, f"{len(alive)} listen, {len(heard) - len(alive)} fell silent")
    return ok(check, f"{len(alive)} listen, {queue.count} jobs wait")
