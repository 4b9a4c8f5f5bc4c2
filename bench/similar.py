"""How well the score finds reports of the same thing, against distance alone as FixMyStreet goes.

On pairs labelled by the rule of `bench.tools.pairs`; without its samples there is nothing to do.
Precision holds for as many other reports near each as the samples have: both sides meet the same.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from bench.tools.database import town
from bench.tools.matching import STEPS, Quality, at_recall, by_distance, choose, quality, scores
from bench.tools.pairs import labelled, samples
from bench.tools.samples import SAMPLES
from bench.tools.verdict import Ratio, conclude
from reports.likeness import THRESHOLD

PEER = "distance alone"
AT_MOST = 0.5


def main() -> int:
    """Print precision and recall by threshold, and hold the threshold to what follows."""
    found = samples()
    if not found:
        print(f"skipped: no sample reports in {SAMPLES}")
        return 0
    pairs = labelled(found)
    same = [pair for pair in pairs if pair.same]
    natural = sum(pair.natural for pair in same)
    print(f"{len(found):,} reports; {len(pairs):,} pairs within the radius")
    print(f"{len(same):,} of them are the same, {natural} as the cities have them")
    with town() as one, one.parts.sessions() as session:
        scored = scores(session, pairs)
        unsaid = scores(session, [replace(pair, one="") for pair in pairs])
    table = [quality(scored, pairs, step) for step in STEPS]
    for line in table:
        print(_told(line))
    chosen = choose(table)
    print(f"best F1 with enough precision: {_told(chosen)}")
    if chosen.threshold != THRESHOLD:
        print(f"the code has {THRESHOLD}: MISSED")
        return 1
    print(f"where nothing was written yet: {_told(quality(unsaid, pairs, THRESHOLD))}")
    peer = at_recall(by_distance(pairs), pairs, chosen.recall)
    print(f"{PEER} at that recall: precision {peer.precision:.3f} up to {-peer.threshold:.0f} m")
    wrong = Ratio(
        "wrongly told, of all told",
        PEER,
        "of 1",
        [1 - chosen.precision],
        [1 - peer.precision],
        AT_MOST,
    )
    return conclude([wrong])


def _told(line: Quality) -> str:
    return (
        f"from {line.threshold:.2f} on: precision {line.precision:.3f}, recall {line.recall:.3f},"
        f" F1 {line.f1:.3f}"
    )


if __name__ == "__main__":
    sys.exit(main())
