"""Empty the queue of notices and end: `python -m bench.tools.drain in_process|forked`.

Both kinds find the jobs imported, as RQ advises, since they are loaded before.
"""

from __future__ import annotations

import sys

from rq import Worker
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from infra import logs, queue
from infra.queue import QueueName
from infra.settings import Settings
from workers.queues import Kind, load_jobs, make_worker


def main(kind: Kind) -> None:
    """Work until the queue is empty, as our worker does or as RQ's own."""
    settings = Settings.from_env()
    logs.configure(settings.log_level)
    load_jobs(QueueName.NOTICES)
    worker = make_worker(settings, QueueName.NOTICES) if kind is Kind.IN_PROCESS else _rq(settings)
    worker.work(burst=True, logging_level="WARNING")


def _rq(settings: Settings) -> BaseWorker:
    return Worker(
        [QueueName.NOTICES],
        connection=queue.connect(settings.redis_url),
        serializer=JSONSerializer,
    )


if __name__ == "__main__":
    main(Kind(sys.argv[1]))
