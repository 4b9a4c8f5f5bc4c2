"""What checks find, and how all of them are asked within a bounded time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """How a thing is; `wrong` is what keeps residents or staff from being served."""

    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found, in one line; where something is amiss, the line says what to do."""

    check: str
    state: State
    text: str


Look = Callable[[], Iterable[Finding]]
"""The checks of one part; each finding is kept though a later one fails or hangs."""


def ok(check: str, text: str) -> Finding:
    """Return that all is well."""
    return Finding(check, State.OK, text)


def warning(check: str, text: str) -> Finding:
    """Return that something should be seen to."""
    return Finding(check, State.WARNING, text)


def wrong(check: str, text: str) -> Finding:
    """Return that something has to be mended."""
    return Finding(check, State.WRONG, text)


def first_line(error: BaseException) -> str:
    """Return what the error says, in one line that is not empty."""
    said = str(error).strip().partition("\n")[0].strip()
    return said or type(error).__name__


def guard(check: str, question: Callable[[], Finding]) -> Finding:
    """Return what the question finds, or that it could not be asked."""
    try:
        return question()
    except Exception as error:  # One that fails in a way nobody foresaw must not hide the others.
        return wrong(check, f"it could not be asked: {first_line(error)}")


def examine(parts: Mapping[str, Look], patience_s: float) -> Iterator[Finding]:
    """Ask all parts at once and yield their findings in order, after `patience_s` at the latest."""
    deadline = time.monotonic() + patience_s
    under_way = [_Examination(name, look) for name, look in parts.items()]
    for one in under_way:
        one.thread.start()
    for one in under_way:
        one.thread.join(max(0.0, deadline - time.monotonic()))
        yield from tuple(one.findings)
        if one.thread.is_alive():
            yield wrong(one.name, f"it gave no answer within {patience_s:.0f} seconds")


class _Examination:
    def __init__(self, name: str, look: Look) -> None:
        self.name = name
        self.findings: list[Finding] = []
        self._look = look
        # A daemon, so that one that hangs in the network does not keep the process from ending.
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def _run(self) -> None:
        try:
            for finding in self._look():
                self.findings.append(finding)
        except BaseException as error:  # A thread that died in silence would say that all is well.
            self.findings.append(wrong(self.name, f"it could not be asked: {first_line(error)}"))
