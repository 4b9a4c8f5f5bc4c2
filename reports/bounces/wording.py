"""What came back and what would have sent it right, in words."""

from __future__ import annotations

from collections.abc import Iterator

from infra.words import Reader, mark
from reports.bounces.changes import Parting, Refusal
from reports.bounces.told import Bounce

_BY_RULE = mark("Sent by the rule “{rule}”, about “{category}” {where}: {sent}.")
_BY_NO_RULE = mark("Without a rule, about “{category}” {where}: {sent}.")
_IN = mark("in {district}")
_OUTSIDE = mark("outside all districts")
_BOUNCED = mark("Came back: {bounced}.")
_ENDED = mark("Of these, ended with {team}: {agreed}.")
_PARTINGS = {
    Parting.PLACE: mark("It is the place: here nothing of it was kept, elsewhere some was."),
    Parting.ANSWERS: mark("What was answered tells it from what was sent right."),
    Parting.KIND: mark("The kind of report tells it from what was sent right."),
}
_WOULD = mark("The rule “{rule}” would have sent right: {mends}; wrong: {spoils}.")
_ELSEWHERE = mark("Right elsewhere too: {count}.")
_WHY_NOT = {
    Refusal.WAITING: mark(
        "None of it has been given to another team yet, so nobody knows whose it is."
    ),
    Refusal.RIGHT_AFTER_ALL: mark(
        "It went back to the team that it had been sent to: nothing to change."
    ),
    Refusal.NO_DISTRICT: mark("Outside all districts no rule counts, so none would help."),
    Refusal.OUT_OF_USE: mark(
        "A change would have to name a category, a district, a team or an answer"
        " that is not in use."
    ),
    Refusal.MENDED: mark("The rules in force send it right already."),
    Refusal.SPOILS: mark("Every change that was tried would send as much wrong as right."),
}


def sentences(bounce: Bounce, reader: Reader) -> Iterator[str]:
    """Yield what was sent how, how much of it came back, and what would have sent it right."""
    district = bounce.district
    where = reader.say(_IN, district=district.name) if district else reader.say(_OUTSIDE)
    about = {"category": bounce.category.name, "where": where, "sent": bounce.sent}
    if bounce.rule is None:
        yield reader.say(_BY_NO_RULE, **about)
    else:
        yield reader.say(_BY_RULE, rule=bounce.rule.text, **about)
    yield reader.say(_BOUNCED, bounced=bounce.bounced)
    if bounce.ended_with is not None:
        yield reader.say(_ENDED, team=bounce.ended_with.name, agreed=bounce.agreed)
    if bounce.separated_by is not None:
        yield reader.say(_PARTINGS[bounce.separated_by])
    yield from _advice(bounce, reader)


def _advice(bounce: Bounce, reader: Reader) -> Iterator[str]:
    effect = bounce.effect
    if bounce.why_not is not None:
        yield reader.say(_WHY_NOT[bounce.why_not])
    if bounce.change is None or effect is None:
        return
    rule = bounce.change["text"]
    yield reader.say(_WOULD, rule=rule, mends=effect.mends, spoils=effect.spoils)
    if effect.mends_elsewhere:
        yield reader.say(_ELSEWHERE, count=effect.mends_elsewhere)
