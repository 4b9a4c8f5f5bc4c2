from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from typing import Any

import marshmallow as ma
import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_file
from marshmallow import fields, validate

from api import messages
from api.fields import (
    BoxField,
    Choice,
    CommaList,
    CursorField,
    Email,
    Line,
    Moment,
    NearField,
    Text,
)
from api.schemas.city import CategoriesQuerySchema, LocateQuerySchema, LoginSchema
from api.schemas.reports import NewMessageSchema, NewReportSchema, ReportsQuerySchema
from api.schemas.tickets import TicketsQuerySchema, TransitionSchema
from infra import words
from infra.words import CATALOGUES, choose, say, say_ago, say_moment, say_span
from reports.status import Status

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "workers", "reports", "city", "geo", "infra")
# What is marked, and what is said without having been marked.
SPOKEN: Mapping[str, tuple[int, ...] | None] = {"mark": None, "say": (2,)}
FRENCH = CATALOGUES / "fr.po"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def messages_in(path: Path) -> Iterator[str]:
    for _line, message, _comments, _context in extract_from_file("python", path, keywords=SPOKEN):
        assert isinstance(message, str)
        yield message


def messages_in_the_code() -> set[str]:
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {message for path in paths for message in messages_in(path)}


def translations() -> list[Message]:
    return [message for message in words.catalogue("fr") if message.id]


def places(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


MESSAGES = sorted(messages_in_the_code())


def test_vigie_speaks_english_and_french() -> None:
    assert words.locales() == ("en", "fr")
    assert {path.suffix for path in CATALOGUES.iterdir()} == {".po"}


def test_the_code_marks_messages_in_every_layer_that_speaks() -> None:
    assert "Unknown field." in MESSAGES
    assert "It was sent to {team}." in MESSAGES
    assert "This question needs an answer." in MESSAGES
    # This one does not stand on the line of its mark in the code.
    assert any(message.startswith("No rule covers this, so it goes to") for message in MESSAGES)


def test_french_holds_every_message_and_no_other() -> None:
    assert sorted(str(message.id) for message in translations()) == MESSAGES
    assert not words.catalogue("fr").obsolete


@pytest.mark.parametrize("message", MESSAGES)
def test_each_message_is_translated_with_its_places(message: str) -> None:
    found = words.catalogue("fr").get(message)
    assert found is not None
    assert isinstance(found.string, str)
    assert found.string.strip()
    assert not found.fuzzy
    assert places(found.string) == places(message)


@pytest.mark.parametrize("message", translations(), ids=lambda message: str(message.id))
def test_french_is_set_as_french_is(message: Message) -> None:
    text = str(message.string)
    assert not re.search("[’“”\N{NARROW NO-BREAK SPACE}]", text)
    # A time of day has its colons between digits.
    assert re.search(rf"(?<![{NO_BREAK_SPACE}\d])[:;?!»]", text) is None
    assert re.search(f"«(?!{NO_BREAK_SPACE})", text) is None
    # Whoever reads one sentence after another meets the same stops in both languages.
    assert text.endswith((".", "?")) == str(message.id).endswith((".", "?"))


def test_the_catalogue_stands_in_an_order_that_does_not_churn() -> None:
    text = FRENCH.read_text(encoding="utf-8")
    header, *entries = text.rstrip("\n").split("\n\n")
    assert header.splitlines()[2:] == [
        r'"Language: fr\n"',
        r'"MIME-Version: 1.0\n"',
        r'"Content-Type: text/plain; charset=UTF-8\n"',
        r'"Content-Transfer-Encoding: 8bit\n"',
    ]
    assert all(re.fullmatch('msgid ".+"\nmsgstr ".+"', entry) for entry in entries)
    assert [str(message.id) for message in translations()] == MESSAGES


def test_say_fills_places_and_leaves_what_fills_them_alone() -> None:
    assert say("en", "It was sent to {team}.", team="{Roads}") == "It was sent to {Roads}."
    french = say("fr", "It was sent to {team}.", team="{Voirie}")
    assert french == "Le signalement a été transmis au service «\xa0{Voirie}\xa0»."


@pytest.mark.parametrize("locale", ["de", "oc", "xx"])
def test_say_falls_back_to_english(locale: str) -> None:
    assert say(locale, "The report was received.") == "The report was received."
    assert say(locale, "At most {limit} bytes are taken here.", limit=5) == (
        "At most 5 bytes are taken here."
    )


def test_say_falls_back_to_english_for_a_message_that_no_catalogue_holds() -> None:
    assert say("fr", "Nobody marked {this}.", this="that") == "Nobody marked that."


@pytest.mark.parametrize(
    ("names", "locale", "fallbacks", "chosen"),
    [
        ({"fr": "Voirie", "en": "Roads"}, "en", ("fr",), "Roads"),
        ({"fr": "Voirie", "en": "Roads"}, "de", ("fr", "en"), "Voirie"),
        ({"fr": "Voirie", "en": "Roads"}, "de", ("it", "en"), "Roads"),
        ({"fr": "Voirie", "en": "Roads"}, "de", ("it",), "Voirie"),
        ({"br": "Hentoù"}, "fr", (), "Hentoù"),
        ({}, "fr", ("en",), ""),
    ],
    ids=["asked for", "first fallback", "next fallback", "any", "the only one", "none"],
)
def test_choose_goes_from_the_locale_to_its_fallbacks_to_any(
    names: dict[str, str], locale: str, fallbacks: tuple[str, ...], chosen: str
) -> None:
    assert choose(names, locale, fallbacks) == chosen


@pytest.mark.parametrize(
    ("locale", "time_zone", "day", "time"),
    [
        ("fr", "Europe/Paris", "2 juillet 2026", "00:30"),
        ("en", "Europe/Paris", "July 2, 2026", "12:30"),
        ("fr", "America/Cayenne", "1er juillet 2026", "19:30"),
        ("en", "America/Cayenne", "July 1, 2026", "7:30"),
        ("fr", "UTC", "1er juillet 2026", "22:30"),
    ],
)
def test_a_moment_is_said_in_the_place_s_own_time(
    locale: str, time_zone: str, day: str, time: str
) -> None:
    said = say_moment(locale, datetime(2026, 7, 1, 22, 30, tzinfo=UTC), time_zone)
    assert said.startswith(day)
    assert re.search(rf"\b{time}\b", said)


def test_winter_and_summer_differ_where_clocks_are_changed() -> None:
    summer, winter = (datetime(2026, month, 1, 12, tzinfo=UTC) for month in (7, 1))
    assert "14:00" in say_moment("fr", summer, "Europe/Paris")
    assert "13:00" in say_moment("fr", winter, "Europe/Paris")


@pytest.mark.parametrize(
    ("age", "english", "french"),
    [
        (timedelta(), "1 minute ago", "il y a 1 minute"),
        (timedelta(minutes=50), "50 minutes ago", "il y a 50 minutes"),
        (timedelta(days=2), "2 days ago", "il y a 2 jours"),
        (timedelta(days=40), "1 month ago", "il y a 1 mois"),
    ],
)
def test_how_long_ago_something_was(age: timedelta, english: str, french: str) -> None:
    assert (say_ago("en", age), _plain(say_ago("fr", age))) == (english, french)
    assert say_span("en", age) == english.removesuffix(" ago")
    assert _plain(say_span("fr", age)) == french.removeprefix("il y a ")


def _plain(text: str) -> str:
    return text.replace(NO_BREAK_SPACE, " ")


@dataclass(frozen=True)
class Complaint:
    """What a field gets, and what is then said."""

    template: str
    asked: fields.Field[Any]
    value: object
    values: Mapping[str, object] = field(default_factory=dict)


COMPLAINTS = (
    Complaint("Field may not be null.", fields.String(), None),
    Complaint("Not a valid string.", fields.String(), 5),
    Complaint("Not a valid number.", fields.Float(), "five"),
    Complaint("Not a valid integer.", fields.Integer(), "5.5"),
    Complaint("Not a valid boolean.", fields.Boolean(), "perhaps"),
    Complaint("Not a valid list.", fields.List(fields.String()), "a"),
    Complaint("Not a valid mapping type.", fields.Dict(), "a"),
    Complaint("Number too large.", fields.Float(), 10**400),
    Complaint("Special numeric values (nan or infinity) are not permitted.", fields.Float(), "nan"),
    Complaint(
        "Must be one of: {choices}.",
        fields.String(validate=validate.OneOf(["{a}", "b"])),
        "c",
        {"choices": "{a}, b"},
    ),
    Complaint(
        "Must be greater than or equal to {min} and less than or equal to {max}.",
        fields.Float(validate=validate.Range(min=-90, max=90)),
        91,
        {"min": -90, "max": 90},
    ),
    Complaint(
        "Must be greater than or equal to {min}.",
        fields.Integer(validate=validate.Range(min=1)),
        0,
        {"min": 1},
    ),
    Complaint(
        "Longer than maximum length {max}.",
        fields.String(validate=validate.Length(max=3)),
        "four",
        {"max": 3},
    ),
    Complaint(
        "Shorter than minimum length {min}.",
        fields.String(validate=validate.Length(min=3)),
        "a",
        {"min": 3},
    ),
    Complaint(
        "Length must be between {min} and {max}.",
        fields.String(validate=validate.Length(min=1, max=3)),
        "",
        {"min": 1, "max": 3},
    ),
)
# What schemas say of a body as a whole: a template, the body.
BODIES: tuple[tuple[str, object], ...] = (
    ("Missing data for required field.", {}),
    ("Unknown field.", {"asked": "a", "other": 1}),
    ("Invalid input type.", "a"),
)


def sentences(schema: type[ma.Schema], body: object) -> list[str]:
    """Return what the schema says of the body, in English."""
    try:
        schema().load(body)  # type: ignore[arg-type]
    except ma.ValidationError as refused:
        return [fault.detail for fault in messages.faults({"json": refused.messages_dict}, "en")]
    return []


@pytest.mark.parametrize("complaint", COMPLAINTS, ids=lambda complaint: complaint.template)
def test_what_a_field_says_is_said_in_french(complaint: Complaint) -> None:
    schema = ma.Schema.from_dict({"asked": complaint.asked})
    [sentence] = sentences(schema, {"asked": complaint.value})
    assert sentence == complaint.template.format(**complaint.values)
    french = messages.translate(sentence, "fr")
    assert french != sentence
    assert french == say("fr", complaint.template, **complaint.values)


@pytest.mark.parametrize(("template", "body"), BODIES)
def test_what_a_schema_says_of_a_body_is_said_in_french(template: str, body: object) -> None:
    schema = ma.Schema.from_dict({"asked": fields.String(required=True)})
    assert sentences(schema, body) == [template]
    assert messages.translate(template, "fr") == say("fr", template) != template


def test_every_sentence_that_schemas_may_say_was_heard_above() -> None:
    heard = {complaint.template for complaint in COMPLAINTS} | {template for template, _ in BODIES}
    assert set(messages_in(ROOT / "api" / "messages.py")) == heard


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        (BoxField(), "1,2,3"),
        (Choice(Status), "gone"),
        (CommaList(Status), "received,gone"),
        (CursorField(), "???"),
        (Email(), "nobody"),
        (Line(), "one\ntwo"),
        (Moment(), "0001-01-01T00:00:00+14:00"),
        (NearField(), "1,2"),
        (Text(), "  "),
    ],
    ids=lambda part: type(part).__name__ if isinstance(part, fields.Field) else "",
)
def test_what_fields_of_our_own_say_is_said_in_french(asked: fields.Field[Any], value: str) -> None:
    [sentence] = sentences(ma.Schema.from_dict({"asked": asked}), {"asked": value})
    assert messages.translate(sentence, "fr") != sentence


@pytest.mark.parametrize(
    "schema",
    [
        CategoriesQuerySchema,
        LocateQuerySchema,
        LoginSchema,
        NewMessageSchema,
        NewReportSchema,
        ReportsQuerySchema,
        TicketsQuerySchema,
        TransitionSchema,
    ],
)
def test_whatever_nonsense_comes_french_answers_it(schema: type[ma.Schema]) -> None:
    nonsense: list[object] = [None, 7, 10**400, "nan", "a\nb", "x" * 10_000, [7], {"a": 7}]
    bodies = [{name: value} for name in schema().fields for value in nonsense]
    said = {sentence for body in ([], *bodies) for sentence in sentences(schema, body)}
    assert said
    assert not {sentence for sentence in said if messages.translate(sentence, "fr") == sentence}


def test_a_sentence_that_nobody_knows_is_left_as_it_is() -> None:
    assert messages.translate("Give {this} or {that!r}.", "fr") == "Give {this} or {that!r}."


def test_faults_name_the_place_and_speak_the_language() -> None:
    collected = {
        "json": {"location": {"latitude": ["Not a valid number."]}, "_schema": ["Unknown field."]},
        "query": {"limit": ["Must be greater than or equal to 1."]},
    }
    told = [fault.as_json() for fault in messages.faults(collected, "fr")]
    assert told == [
        {"pointer": "/location/latitude", "detail": "Ce nombre n'est pas valide."},
        {"pointer": "", "detail": "Ce champ est inconnu."},
        {"parameter": "limit", "detail": "La valeur doit être supérieure ou égale à 1."},
    ]
