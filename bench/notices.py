"""Notices that become mails: our worker against RQ's own, which forks for every job.

Both empty the same queue of the same jobs, over the same rows and to the same mail server. The
times are those at which the rows say that their mails were sent, so that no start counts.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter
from email import message_from_bytes
from pathlib import Path

import psycopg

from bench.tools.database import Town, town
from bench.tools.verdict import Ratio, conclude
from infra.embedded.mailbox import Mailbox
from tests.resident import Resident
from tests.stack import ROOT
from workers.queues import Kind

ROUNDS = 3
REPORTS = 50
"""Each owes two mails, one to the team and one to the reporter."""

AT_LEAST = 3.0


def main() -> int:
    """Let both kinds of worker empty a full queue in turn."""
    rates: dict[Kind, list[float]] = {Kind.IN_PROCESS: [], Kind.FORKED: []}
    mails: dict[Kind, Counter[str]] = {kind: Counter() for kind in rates}
    with tempfile.TemporaryDirectory(prefix="vigie-mail-") as folder:
        mailbox = Mailbox(Path(folder))
        mailbox.start()
        with town(mailbox.url) as one:
            for _ in range(ROUNDS):
                for kind, measured in rates.items():
                    measured.append(_drain(one, kind))
                    mails[kind] += _take(Path(folder))
        mailbox.stop()
    owed = 2 * REPORTS * ROUNDS
    if mails[Kind.IN_PROCESS] != mails[Kind.FORKED] or mails[Kind.FORKED].total() != owed:
        print("the two did not send the same mails")
        return 1
    ours, peers = rates[Kind.IN_PROCESS], rates[Kind.FORKED]
    name, peer = f"{owed} notices sent", "RQ's forking worker"
    return conclude([Ratio(name, peer, "a second", ours, peers, AT_LEAST, at_least=True)])


def _drain(one: Town, kind: Kind) -> float:
    """Fill the queue, let a worker empty it, and return how many notices it sent in a second."""
    resident = Resident(one.app.test_client())
    with psycopg.connect(one.libpq_url, autocommit=True) as connection:
        for _ in range(REPORTS):
            resident.report(contact={"email": "camille@example.org"})
        command = [sys.executable, "-m", "bench.tools.drain", kind.value]
        subprocess.run(command, cwd=ROOT, env=one.environ, check=True)
        found = connection.execute(
            """
            SELECT count(*), extract(epoch FROM max(sent_at) - min(sent_at))
            FROM (SELECT sent_at FROM notices WHERE status = 'sent' ORDER BY id DESC LIMIT %s) AS n
            """,
            (2 * REPORTS,),
        ).fetchone()
        waiting = connection.execute("SELECT 1 FROM notices WHERE status <> 'sent'").fetchone()
    if found is None or waiting is not None:
        raise RuntimeError("some notices were not sent")
    return (int(found[0]) - 1) / float(found[1])


def _take(folder: Path) -> Counter[str]:
    """Return how many mails each recipient got, and remove them."""
    found: Counter[str] = Counter()
    for path in folder.glob("*.eml"):
        found[str(message_from_bytes(path.read_bytes())["To"])] += 1
        path.unlink()
    return found


if __name__ == "__main__":
    sys.exit(main())
