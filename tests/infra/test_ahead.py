"""What comes next is asked for meanwhile, and no longer than anybody wants it."""

from __future__ import annotations

import threading

import pytest

from infra.ahead import Items, ahead


def test_the_next_is_asked_for_while_one_is_worked_on() -> None:
    asked = threading.Event()

    def items() -> Items[int]:
        yield 1
        asked.set()
        yield 2

    found = []
    for item in ahead(items()):
        assert asked.wait(10)
        found.append(item)
    assert found == [1, 2]


def test_who_leaves_early_leaves_nobody_at_work() -> None:
    ended = []

    def items() -> Items[int]:
        try:
            yield from range(100)
        finally:
            ended.append(threading.active_count())

    before = threading.active_count()
    coming = ahead(ahead(items()))
    assert next(coming) == 0
    coming.close()
    assert len(ended) == 1
    assert threading.active_count() == before


def test_an_error_is_the_readers_own() -> None:
    def items() -> Items[int]:
        yield 1
        raise ValueError("broken")

    coming = ahead(items())
    assert next(coming) == 1
    with pytest.raises(ValueError, match="broken"):
        next(coming)
