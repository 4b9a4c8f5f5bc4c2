"""The sweeper: finds rows that wait though nobody was nudged, and what has had its time."""

from __future__ import annotations

import threading
import time
from itertools import islice

import structlog
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from city.models import Actor
from infra import queue
from infra.clock import now
from infra.queue import QUEUE_OF, NudgeQueue
from infra.settings import Settings
from infra.storage import StorageError
from reports import gallery, reckoning, relance
from reports.privacy import removals, retention
from reports.upkeep import sweep
from reports.webhooks import delivery
from workers.tools import Tools, tools, until_stopped

log = structlog.get_logger()

TIDY_EVERY_S = 600
# Looking through every original costs the more the older a city is.
PURGE_EVERY_S = 86_400
PURGED_AT_ONCE = 500
RETAIN_EVERY_S = 86_400
REMOVED_AT_ONCE = 200
# Longer than any upload may take, so that none is swept away while it runs.
UNFINISHED_AFTER_S = 3600


def serve(settings: Settings) -> None:
    """Run the sweeper until SIGTERM."""
    nudges = NudgeQueue(queue.connect(settings.redis_url), settings.job_timeouts_s)
    run(tools(), nudges, until_stopped())


def run(kit: Tools, queue: NudgeQueue, stopped: threading.Event) -> None:
    """Sweep until stopped; whatever is down is met again at the next round."""
    tidy_at, retain_at, purge_at = 0.0, 0.0, time.monotonic() + TIDY_EVERY_S
    while not stopped.is_set():
        try:
            reckon_anew(kit)
            tell_of_deadlines(kit)
            follow_up(kit, queue)
            # One batch in each round, so that no mail waits for a long past to be gone through.
            if time.monotonic() >= retain_at and not retain(kit):
                retain_at = time.monotonic() + RETAIN_EVERY_S
            if time.monotonic() >= tidy_at:
                tidy(kit)
                tidy_at = time.monotonic() + TIDY_EVERY_S
            if time.monotonic() >= purge_at:
                purge(kit)
                purge_at = time.monotonic() + PURGE_EVERY_S
            remove(kit)
            kit.metrics.sweeps.labels("done").inc()
        except (RedisError, SQLAlchemyError, StorageError) as error:
            log.warning("sweep put off", error=type(error).__name__)
            kit.metrics.sweeps.labels("put_off").inc()
        kit.metrics.flush()
        stopped.wait(kit.settings.sweep_interval_s)


def reckon_anew(kit: Tools) -> None:
    """Have some of each city's deadlines follow a changed calendar, before anybody is told of them.

    It is a batch in each round, so that no mail waits for a whole city.
    """
    with kit.sessions() as session:
        cities = reckoning.cities(session)
    for jurisdiction_id in cities:
        with kit.sessions.begin() as session:
            moved = reckoning.run_batch(session, jurisdiction_id, now())
        if moved:
            log.info("deadlines reckoned anew", jurisdiction_id=jurisdiction_id, count=moved)


def tell_of_deadlines(kit: Tools) -> None:
    """Owe each city's teams and dispatchers the notices of deadlines; `follow_up` has them sent."""
    with kit.sessions() as session:
        cities = relance.cities(session)
    for jurisdiction_id in cities:
        with kit.sessions.begin() as session:
            told = relance.run_batch(session, jurisdiction_id, now())
        if told:
            log.info("told of deadlines", jurisdiction_id=jurisdiction_id, count=told)


def follow_up(kit: Tools, queue: NudgeQueue) -> None:
    """Nudge for every row that waits and that no queue holds."""
    with kit.sessions() as session:
        waiting = sweep.waiting(session, now())
    missing = queue.missing(waiting) if waiting else []
    if missing:
        queue.send(missing)
        log.info("followed up", count=len(missing))
        for nudge in missing:
            kit.metrics.swept.labels(QUEUE_OF[nudge.job]).inc()


def retain(kit: Tools) -> bool:
    """Do a batch of each city's retention; tell whether more is waiting."""
    with kit.sessions() as session:
        cities = retention.cities(session)
    more = False
    for city in cities:
        with kit.sessions.begin() as session:
            batch = retention.run_batch(session, city, now(), Actor.WORKERS)
        if batch.counts["tickets"]:
            log.info("retention applied", jurisdiction=city.code, **batch.counts)
        more = more or batch.end is not None
    return more


def remove(kit: Tools) -> None:
    """Remove the files that have to leave the storage."""
    with kit.sessions() as session:
        owed = removals.due(session, now(), REMOVED_AT_ONCE)
    for removal in owed:
        kit.storage.delete(removal.key)
    if owed:
        with kit.sessions.begin() as session:
            removals.settle(session, owed)
        log.info("files removed", count=len(owed))


def tidy(kit: Tools) -> None:
    """Drop expired sessions and keys, and what killed uploads left half written."""
    with kit.sessions.begin() as session:
        sweep.drop_expired(session, now())
    kit.storage.tidy(UNFINISHED_AFTER_S)


def purge(kit: Tools) -> None:
    """Remove the originals that no photo names: they came with requests that failed half way.

    With them goes what the log of webhooks has kept for its time, and what checks of the storage
    could not remove. A bucket that is silent would hold up each round in which it is asked, so it
    is asked for both on the same rare occasion.
    """
    with kit.sessions.begin() as session:
        delivery.drop_old(session, now())
    kit.storage.remove_probes(UNFINISHED_AFTER_S)
    keys = kit.storage.list(gallery.ORIGINALS, older_than_s=UNFINISHED_AFTER_S)
    while some := list(islice(keys, PURGED_AT_ONCE)):
        with kit.sessions() as session:
            orphans = gallery.without_row(session, some)
        for key in orphans:
            kit.storage.delete(key)
        if orphans:
            log.warning("originals without a photo removed", count=len(orphans))
            kit.metrics.swept.labels("originals").inc(len(orphans))
