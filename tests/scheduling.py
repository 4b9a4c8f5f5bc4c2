"""Which process takes which tests, where several share them."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

# The past takes most of a minute to load, and each process would load one of its own.
OF_THE_PAST = {
    "tests/journeys/test_backup.py",
    "tests/reports/test_demo_past.py",
    "tests/test_readme.py",
}
PAST = "past"
# These wait for processes of their own more than they reckon.
WAITING = (PAST, "tests/faults/", "tests/journeys/", "tests/infra/test_launcher.py")


class Scheduling(LoadFileScheduling):
    """Gives each process whole files, and one of them all that need the demo city's past.

    The first process begins with the tests that wait, so that another can reckon meanwhile.
    """

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        return PAST if file in OF_THE_PAST else file

    def _assign_work_unit(self, node: WorkerController) -> None:
        is_first = node is self.nodes[0]
        wanted = (scope for scope in self.workqueue if scope.startswith(WAITING) == is_first)
        scope = next(wanted, None)
        if scope is not None:
            self.workqueue.move_to_end(scope, last=False)
        super()._assign_work_unit(node)
