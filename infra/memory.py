"""How much memory a process may take."""

from __future__ import annotations

import resource
from pathlib import Path


def bound(most_bytes: int) -> None:
    """Have the kernel refuse whatever would take this process over `most_bytes` of memory.

    What is reserved and not used, such as the stacks of threads to come, counts as well.
    """
    statistics = Path("/proc/self/statm").read_text("ascii").split()
    resident, reserved = int(statistics[1]), int(statistics[5])
    limit = most_bytes + (reserved - resident) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
