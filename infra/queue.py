"""The queue: only a nudge, since the rows in the database are the to-do list."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue as RqQueue
from rq.queue import EnqueueData
from rq.serializers import JSONSerializer

log = structlog.get_logger()

CONNECT_TIMEOUT_S = 1
SOCKET_TIMEOUT_S = 3
PROBE_KEPT_S = 5


class QueueName(StrEnum):
    """One queue per kind of work, each with workers of its own."""

    PHOTOS = "photos"
    NOTICES = "notices"
    SIMULATIONS = "simulations"


class Job(StrEnum):
    """What can be enqueued, by the path of the function that does it."""

    RENDER_PHOTO = "workers.photos.render"
    SEND_NOTICE = "workers.notices.send"
    SEND_LETTER = "workers.letters.send"
    SIMULATE = "workers.simulations.run"


QUEUE_OF = {
    Job.RENDER_PHOTO: QueueName.PHOTOS,
    Job.SEND_NOTICE: QueueName.NOTICES,
    Job.SEND_LETTER: QueueName.NOTICES,
    Job.SIMULATE: QueueName.SIMULATIONS,
}


@dataclass(frozen=True, slots=True)
class Nudge:
    """A job and the id of the row that it should look at."""

    job: Job
    row_id: int

    @property
    def job_id(self) -> str:
        """Name the job after its row, so that a queue can be asked whether it holds it."""
        return f"{self.job.name.lower()}-{self.row_id}"


def connect(url: str) -> Redis:
    """Return a connection whose every call ends within seconds."""
    return Redis.from_url(
        url, socket_connect_timeout=CONNECT_TIMEOUT_S, socket_timeout=SOCKET_TIMEOUT_S
    )


def _job(nudge: Nudge, request_id: str | None) -> EnqueueData:
    return RqQueue.prepare_data(
        nudge.job.value,
        args=(nudge.row_id, request_id),
        job_id=nudge.job_id,
        result_ttl=0,
        failure_ttl=3600,
    )


class NudgeQueue:
    """Sends nudges; a queue that is down is logged and costs nothing else."""

    def __init__(self, connection: Redis, timeouts_s: dict[QueueName, int]) -> None:
        self._connection = connection
        self._queues = {
            name: RqQueue(
                name,
                connection=connection,
                default_timeout=timeouts_s[name],
                serializer=JSONSerializer,
            )
            for name in QueueName
        }

    def send(self, nudges: list[Nudge], request_id: str | None = None) -> None:
        """Enqueue the nudges; `request_id` follows into the jobs' logs."""
        try:
            pipe = self._connection.pipeline(transaction=False)
            for name, queue in self._queues.items():
                jobs = [_job(one, request_id) for one in nudges if QUEUE_OF[one.job] is name]
                if jobs:
                    queue.enqueue_many(jobs, pipeline=pipe)
            pipe.execute()
        except RedisError:
            log.warning("queue unavailable; the sweeper will follow", count=len(nudges))

    def missing(self, nudges: list[Nudge]) -> list[Nudge]:
        """Return the nudges that wait in no queue. Raise RedisError when the queue is down."""
        waiting = {job_id for queue in self._queues.values() for job_id in queue.get_job_ids()}
        return [nudge for nudge in nudges if nudge.job_id not in waiting]

    def depths(self) -> dict[QueueName, int]:
        """Return how many nudges wait in each queue. Raise RedisError when the queue is down."""
        return {name: queue.count for name, queue in self._queues.items()}

    def ping(self) -> None:
        """Raise RedisError when the queue does not take what it is given."""
        self._connection.set("vigie:ready", 1, ex=PROBE_KEPT_S)
