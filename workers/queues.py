"""How the workers of queues run: each serves one, its jobs in forks or within itself."""

from __future__ import annotations

import signal
from enum import StrEnum
from pkgutil import resolve_name

from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from infra import memory, queue
from infra.orphans import die_with_parent
from infra.queue import QUEUE_OF, QueueName
from infra.settings import Settings
from reports.imaging.memory import PROCESS_BYTES

HEARTBEAT_S = 30
MAINTENANCE_S = 30


class Kind(StrEnum):
    """How a queue's jobs are run."""

    FORKED = "forked"
    IN_PROCESS = "in_process"


# A photo's decoder may take much memory or crash, so each runs in a process of its own; what a
# simulation takes is given back at its end.
KIND_OF = {
    QueueName.PHOTOS: Kind.FORKED,
    QueueName.NOTICES: Kind.IN_PROCESS,
    QueueName.SIMULATIONS: Kind.FORKED,
}
_MOST_BYTES = {QueueName.PHOTOS: PROCESS_BYTES}


class _PatientWorker(Worker):
    max_connection_wait_time = 2.0

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run the job in a process that does not outlive the worker."""
        die_with_parent(signal.SIGKILL)
        if most := _MOST_BYTES.get(QueueName(queue.name)):
            memory.bound(most)
        super().main_work_horse(job, queue)


class _PatientSimpleWorker(SimpleWorker):
    max_connection_wait_time = 2.0


def serve(settings: Settings, name: QueueName) -> None:
    """Run the queue's worker until SIGTERM."""
    # Simulations are rare: their worker stays small, and its fork loads what one needs.
    if name is not QueueName.SIMULATIONS:
        load_jobs(name)
    make_worker(settings, name).work()


def load_jobs(name: QueueName) -> None:
    """Import what the queue's worker runs and nothing else: a fork finds it there, and carries it.

    What a fork for a photo weighs is taken off what the photo may take.
    """
    for job, queue_name in QUEUE_OF.items():
        if queue_name is name:
            resolve_name(job.value)


def make_worker(settings: Settings, name: QueueName) -> BaseWorker:
    """Return the worker of a queue: a worker serves one queue, or a kill would lose its job."""
    worker_class = _PatientWorker if KIND_OF[name] is Kind.FORKED else _PatientSimpleWorker
    return worker_class(
        [name],
        connection=queue.connect(settings.redis_url),
        serializer=JSONSerializer,
        worker_ttl=HEARTBEAT_S,
        job_monitoring_interval=HEARTBEAT_S // 2,
        maintenance_interval=MAINTENANCE_S,
    )
