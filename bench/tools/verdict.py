"""What every benchmark ends with: its ratios, their bounds, and the machine they were taken on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True, slots=True)
class Ratio:
    """Our figure over the peer's, both taken in the same run.

    `ours` and `peers` are samples in `unit`; their medians count. The bound is the most that
    ours/peer's may be, or with `at_least` the least.
    """

    name: str
    peer: str
    unit: str
    ours: Sequence[float]
    peers: Sequence[float]
    bound: float
    at_least: bool = False

    @property
    def value(self) -> float:
        """Return the ratio of the medians."""
        return median(self.ours) / median(self.peers)

    @property
    def holds(self) -> bool:
        """Tell whether the bound is met."""
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    def told(self) -> str:
        """Return one line with both figures, the ratio, the bound and the verdict."""
        relation = "at least" if self.at_least else "at most"
        return (
            f"{self.name}: {_spread(self.ours)} {self.unit} against {_spread(self.peers)} "
            f"{self.unit} of {self.peer}; ratio {self.value:.2f}, {relation} {self.bound:g}: "
            f"{'holds' if self.holds else 'MISSED'}"
        )


def conclude(ratios: Sequence[Ratio]) -> int:
    """Print the machine and every ratio; return the exit status, 1 when a bound is missed."""
    print(f"machine: {machine()}")
    for ratio in ratios:
        print(ratio.told())
    return 0 if all(ratio.holds for ratio in ratios) else 1


def machine() -> str:
    """Return the processor, how many of its cores are ours, the memory and the Python."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, {pages / 2**30:.0f} GiB, Python {platform.python_version()}"


def _spread(samples: Sequence[float]) -> str:
    middle = f"{median(samples):.4g}"
    if len(samples) == 1:
        return middle
    return f"{middle} ({min(samples):.4g} to {max(samples):.4g})"
