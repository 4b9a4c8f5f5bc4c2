"""Rules as sentences, for whoever reads a decision and for whoever writes the rules.

What a sentence needs is kept as `told`, with the names of that day: {subject, district, team} are
names or None, and `conditions` are documents such as {"is": "kind", "kind": "idea"}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import Any

from babel.dates import get_day_names

from city.calendars import WEEKDAYS
from city.models import Kind
from infra.database import Names
from infra.words import Reader, mark, say_all, say_amount, say_day, say_either

_RULE = mark("{when}: {team}")
_HERE = mark("{subject} in {district}")
_ANYWHERE = mark("{subject} everywhere")
_EVERYTHING = mark("Everything")
_KINDS = {
    Kind.PROBLEM: mark("if it is a problem"),
    Kind.IDEA: mark("if it is an idea"),
    Kind.COMPLIMENT: mark("if it is a compliment"),
}
_ANSWER = mark("if “{question}” is answered with {answers}")
_QUOTED = mark("“{words}”")
_INSIDE = mark("in “{layer}”")
_WITHIN = mark("within {metres} m of “{layer}”")
_WHERE = mark("whose {property} is {values}")
_HOURS = mark("at these hours: {hours}")
_NO_HOURS = mark("at no hour")
_EVERY_DAY = mark("every day {hours}")
_ON_DAYS = mark("{first} to {last} {hours}")
_ON_DAY = mark("on {day}")
_BETWEEN_DAYS = mark("from {first} to {last}")
_FROM_DAY = mark("from {first} on")
_UNTIL_DAY = mark("until {last}")

Questions = Mapping[str, tuple[Names, Mapping[str, Names]]]
"""By code, what a question asks and what its choices are called."""


def sentence(told: Mapping[str, Any], reader: Reader) -> str:
    """Return a rule in words: what it is about, where, on which conditions, and who answers."""
    subject = reader.name(told["subject"]) if told["subject"] else reader.say(_EVERYTHING)
    if told["district"]:
        about = reader.say(_HERE, subject=subject, district=reader.name(told["district"]))
    else:
        about = reader.say(_ANYWHERE, subject=subject)
    parts = [about, *(_condition(one, reader) for one in told.get("conditions", ()))]
    when = ", ".join(parts)
    return reader.say(_RULE, when=when, team=reader.name(told["team"]))


def told_conditions(
    layer: Names | None, document: Mapping[str, Any], questions: Questions
) -> list[dict[str, Any]]:
    """Return a row's conditions with the names that a sentence needs, that of its layer first."""
    return list(_told(layer, document, questions))


def _told(
    layer: Names | None, document: Mapping[str, Any], questions: Questions
) -> Iterator[dict[str, Any]]:
    if layer is not None:
        where = document.get("where", {})
        yield {
            "is": "layer",
            "layer": layer,
            "within_m": document.get("within_m", 0),
            "where": where,
        }
    if "kind" in document:
        yield {"is": "kind", "kind": document["kind"]}
    for code, choices in document.get("answers", {}).items():
        asked, offered = questions.get(code, ({}, {}))
        yield {
            "is": "answer",
            "question": asked or {"": code},
            "answers": [offered.get(choice) or {"": choice} for choice in choices],
        }
    if "hours" in document:
        yield {"is": "hours", "hours": document["hours"]}
    days = {name: document[name] for name in ("first_day", "last_day") if name in document}
    if days:
        yield {"is": "days", **days}


def _condition(told: Mapping[str, Any], reader: Reader) -> str:
    match told["is"]:
        case "layer":
            return _near(told, reader)
        case "kind":
            return reader.say(_KINDS[Kind(told["kind"])])
        case "answer":
            quoted = [reader.say(_QUOTED, words=reader.name(one)) for one in told["answers"]]
            answers = say_either(reader.locale, quoted)
            return reader.say(_ANSWER, question=reader.name(told["question"]), answers=answers)
        case "hours":
            hours = _hours(told["hours"], reader)
            return reader.say(_HOURS, hours=hours) if hours else reader.say(_NO_HOURS)
        case _:
            return _days(told.get("first_day"), told.get("last_day"), reader)


def _near(told: Mapping[str, Any], reader: Reader) -> str:
    layer, metres = reader.name(told["layer"]), say_amount(reader.locale, told["within_m"])
    near = reader.say(_WITHIN if told["within_m"] else _INSIDE, layer=layer, metres=metres)
    wheres = [
        reader.say(
            _WHERE,
            property=name,
            values=say_either(reader.locale, [reader.say(_QUOTED, words=one) for one in values]),
        )
        for name, values in told["where"].items()
    ]
    return " ".join([near, say_all(reader.locale, wheres)] if wheres else [near])


def _hours(week: Mapping[str, list[str]], reader: Reader) -> str:
    """Say the hours by weekday; days that follow each other and have the same are said as one."""
    names = get_day_names("wide", locale=reader.locale)
    hours = {number: tuple(week.get(weekday, ())) for number, weekday in enumerate(WEEKDAYS)}
    said = []
    for spans, days in groupby(hours, key=lambda number: hours[number]):
        first, *others = days
        if not spans:
            continue
        those = say_all(reader.locale, spans)
        if len(others) + 1 == len(WEEKDAYS):
            said.append(reader.say(_EVERY_DAY, hours=those))
        elif len(others) > 1:
            last = names[others[-1]]
            said.append(reader.say(_ON_DAYS, first=names[first], last=last, hours=those))
        else:
            said += [f"{names[number]} {those}" for number in (first, *others)]
    return ", ".join(said)


def _days(first: str | None, last: str | None, reader: Reader) -> str:
    said = {
        name: say_day(reader.locale, date.fromisoformat(day))
        for name, day in (("first", first), ("last", last))
        if day
    }
    if first and first == last:
        [day] = {*said.values()}
        return reader.say(_ON_DAY, day=day)
    if first and last:
        return reader.say(_BETWEEN_DAYS, **said)
    return reader.say(_FROM_DAY if first else _UNTIL_DAY, **said)
