"""One process of the workers: `python -m workers.process ROLE`, a queue or one of the others."""

from __future__ import annotations

import sys
from pathlib import Path
from pkgutil import resolve_name

from infra import logs
from infra.orphans import die_with_parent
from infra.queue import QueueName
from infra.settings import Settings
from workers import queues

SWEEPER, OUTGOING = "sweeper", "outgoing"
_WITHOUT_QUEUE = {SWEEPER: "workers.sweeper:serve", OUTGOING: "workers.outgoing:serve"}


def main(role: str) -> None:
    """Play the role until SIGTERM; each process loads what its own role needs.

    `ps -o comm` and `top` call it by its role.
    """
    die_with_parent()
    Path("/proc/self/comm").write_text(role, "ascii")
    settings = Settings.from_env()
    logs.configure(settings.log_level)
    if role in _WITHOUT_QUEUE:
        resolve_name(_WITHOUT_QUEUE[role])(settings)
    else:
        queues.serve(settings, QueueName(role))


if __name__ == "__main__":
    main(sys.argv[1])
