"""One worker process: `python -m workers.process photos|notices|webhooks|sweeper`."""

from __future__ import annotations

import signal
import sys
import threading
from enum import StrEnum

from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from infra import logs, memory, queue
from infra.orphans import die_with_parent
from infra.outgoing import Outgoing
from infra.queue import NudgeQueue, QueueName
from infra.settings import Settings
from reports.photo_memory import PROCESS_BYTES
from workers import notices, photos, sweeper
from workers.tools import tools
from workers.webhooks import Courier

SWEEPER = "sweeper"
WEBHOOKS = "webhooks"
HEARTBEAT_S = 30
MAINTENANCE_S = 30

JOBS = (photos.render, notices.send)
"""What the queues' workers run, imported before the first job so that a fork finds it there."""


class Kind(StrEnum):
    """How a queue's jobs are run."""

    FORKED = "forked"
    IN_PROCESS = "in_process"


# A photo's decoder may take much memory or crash, so each runs in a process of its own.
KIND_OF = {QueueName.PHOTOS: Kind.FORKED, QueueName.NOTICES: Kind.IN_PROCESS}


class _PatientWorker(Worker):
    max_connection_wait_time = 2.0

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run the job in a process that does not outlive the worker."""
        die_with_parent(signal.SIGKILL)
        memory.bound(PROCESS_BYTES)
        super().main_work_horse(job, queue)


class _PatientSimpleWorker(SimpleWorker):
    max_connection_wait_time = 2.0


def main(name: str) -> None:
    """Run one queue's worker, the courier of webhooks or the sweeper until SIGTERM."""
    die_with_parent()
    settings = Settings.from_env()
    logs.configure(settings.log_level)
    if name == SWEEPER:
        _sweep(settings)
    elif name == WEBHOOKS:
        _carry(settings)
    else:
        make_worker(settings, QueueName(name)).work()


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


def _sweep(settings: Settings) -> None:
    nudges = NudgeQueue(queue.connect(settings.redis_url), settings.job_timeouts_s)
    sweeper.run(tools(), nudges, _until_stopped())


def _carry(settings: Settings) -> None:
    outgoing = Outgoing(allowed=settings.webhook_networks, ports=settings.webhook_ports)
    Courier(tools(), outgoing).run(_until_stopped())


def _until_stopped() -> threading.Event:
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


if __name__ == "__main__":
    main(sys.argv[1])
