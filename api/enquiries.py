"""Questions to other parts, asked so that a part that never answers holds up nobody."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock, Thread
from typing import Generic, TypeVar

T = TypeVar("T")

DEADLINE_S = 2.0


@dataclass(frozen=True, slots=True)
class Asked(Generic[T]):
    """A question that is out; `late_at` is when nobody waits for its answer any more."""

    future: Future[T]
    late_at: float

    def answer(self) -> T:
        """Return the answer, or raise the error that the question met.

        Raise TimeoutError when there is none DEADLINE_S seconds after the question went out.
        """
        return self.future.result(max(0.0, self.late_at - time.monotonic()))


class Broken(Exception):
    """The question ended in what is no Exception; the message is the name of its class."""


class Enquiry(Generic[T]):
    """One question, asked by one thread at a time; its answer is kept for `kept_s` seconds.

    The clients' own timeouts do not bound every silence: that of a server which is stopped in the
    middle of a connection, for one.
    """

    def __init__(self, question: Callable[[], T], kept_s: float) -> None:
        self._question = question
        self._kept_s = kept_s
        self._lock = Lock()
        self._last: Asked[T] | None = None
        self._old_at = 0.0

    def ask(self) -> Asked[T]:
        """Ask, unless the last question is still out or its answer is still good."""
        with self._lock:
            now = time.monotonic()
            last = self._last
            if last is None or (last.future.done() and now >= self._old_at):
                last = self._last = Asked(Future(), now + DEADLINE_S)
                Thread(target=self._run, args=(last.future,), daemon=True).start()
            return last

    def _run(self, future: Future[T]) -> None:
        try:
            found = self._question()
        except BaseException as error:  # Unsettled, the question would be out for ever.
            self._old_at = time.monotonic() + self._kept_s
            usual = isinstance(error, Exception)
            future.set_exception(error if usual else Broken(type(error).__name__))
        else:
            self._old_at = time.monotonic() + self._kept_s
            future.set_result(found)
