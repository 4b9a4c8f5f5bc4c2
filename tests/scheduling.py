"""Which process takes which tests, where several share them."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

# The past takes most of a minute to load, and each process would load one of its own.
OF_THE_PAST = {
    "tests/journeys/test_backup.py",
    "tests/reports/test_demo_past.py",
    "tests/test_readme.py",
}


class Scheduling(LoadFileScheduling):
    """Gives each process whole files, and one of them all that need the demo city's past."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return "past" if file in OF_THE_PAST else file
