"""Who says what: sentences of residents and of staff, dealt so that none comes up too often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import yaml

_HERE = Path(__file__).parent
_PLACES = {
    "fr": (
        "{street}, devant le {number}",
        "{street}, à hauteur du {number}",
        "{street}, en face du {number}",
        "au {number} {street}",
        "{street}, à deux pas du {number}",
        "{street}, juste après le {number}",
    ),
    "en": (
        "in front of {number} {street}",
        "opposite {number} {street}",
        "at {number} {street}",
        "near {number} {street}",
    ),
}
_AT = {"fr": "au {address}", "en": "at {address}"}


@dataclass(frozen=True, slots=True)
class Spot:
    """An address, as number and street."""

    number: str
    street: str

    @property
    def address(self) -> str:
        """Return both as they are written on an envelope."""
        return f"{self.number} {self.street}"

    @classmethod
    def of(cls, address: str) -> Spot:
        """Return the spot of an address such as `12 bis rue du Bac`."""
        head, _, rest = address.partition(" ")
        if rest.startswith("bis "):
            return cls(f"{head} bis", rest.removeprefix("bis "))
        return cls(head, rest) if head.isdigit() else cls("", address)


@dataclass(frozen=True, slots=True)
class Reply:
    """What staff write with an act: the reason for colleagues, the message for everybody."""

    reason: str
    message: str | None


class Deck:
    """Things that are dealt in a mixed order, each once before any comes again."""

    def __init__(self, things: Sequence[Any], rng: Random) -> None:
        self._things = list(things)
        self._rng = rng
        self._left: list[Any] = []

    def deal(self) -> Any:
        """Return the next one."""
        if not self._left:
            self._left = self._rng.sample(self._things, len(self._things))
        return self._left.pop()


class Words:
    """All sentences; whoever asks in the same order is dealt the same ones."""

    def __init__(self, seed: str) -> None:
        self.categories = _read("sentences.yaml")
        self._replies = _read("replies.yaml")
        self._rng = Random(seed)  # noqa: S311 - Words that are dealt keep no secret.
        self._decks: dict[tuple[str, ...], Deck] = {}

    @property
    def misfiled(self) -> Sequence[Mapping[str, Any]]:
        """Return the reports that reach the wrong team."""
        return cast(Sequence[Mapping[str, Any]], self._replies["misfiled"])

    @property
    def unseemly(self) -> Sequence[Mapping[str, Any]]:
        """Return the reports that are hidden."""
        return cast(Sequence[Mapping[str, Any]], self._replies["unseemly"])

    def trouble(self, category: str, locale: str) -> Mapping[str, Any]:
        """Return what is wrong, as in `sentences.yaml`."""
        return cast(Mapping[str, Any], self._deal(self.categories, category, locale))

    def consequence(self, category: str, locale: str) -> str:
        """Return what follows from it."""
        return str(self._deal(self.categories, category, "so", locale))

    def describe(self, text: str, spot: Spot, locale: str, rng: Random, *, where: bool) -> str:
        """Return the sentence with its place in words, or without."""
        place = rng.choice(_PLACES[locale]) if where else ""
        if "," in place:
            # What goes on after such a place is parted from it.
            text = text.replace("{place} ", "{place}, ")
        told = text.replace("{place}", place.format(number=spot.number, street=spot.street))
        return " ".join(told.split()).replace(" .", ".").replace(" ,", ",").replace(",.", ".")

    def has(self, category: str, sort: str, locale: str) -> bool:
        """Tell whether staff have something of that sort to say about the category."""
        return locale in self._replies.get(category, {}).get(sort, {})

    def reply(self, category: str, sort: str, locale: str, address: str) -> Reply:
        """Return what staff say of that sort: about the category, or else about any."""
        there = self.has(category, sort, locale)
        said = self._deal(self._replies, category if there else "others", sort, locale)
        return filled(said, locale, address)

    def asks(self, category: str) -> bool:
        """Tell whether staff have questions about the category."""
        return "questions" in self._replies.get(category, {})

    def question(self, category: str) -> Mapping[str, str]:
        """Return something to ask about the category, with the answer."""
        return cast(Mapping[str, str], self._deal(self._replies, category, "questions"))

    def line(self, sort: str, locale: str | None = None) -> str:
        """Return a sentence that goes with any category."""
        path = ("others", sort, *([locale] if locale else []))
        return str(self._deal(self._replies, *path))

    def _deal(self, tree: Mapping[str, Any], *path: str) -> Any:
        if path not in self._decks:
            things: Any = tree
            for name in path:
                things = things[name]
            self._decks[path] = Deck(things, self._rng)
        return self._decks[path].deal()


def filled(said: Mapping[str, Any], locale: str, address: str) -> Reply:
    """Return what staff say, about that address."""
    where = {"at": _AT[locale].format(address=address), "address": address}
    message = said["message"]
    return Reply(said["reason"], message.format(**where) if message else None)


def answers(given: Mapping[str, Any], sent_at: datetime) -> dict[str, object]:
    """Return answers to a category's questions; times are given as before the report was sent."""
    return {
        code: (sent_at - timedelta(**answer["before"])).isoformat()
        if isinstance(answer, dict)
        else answer
        for code, answer in given.items()
    }


def _read(name: str) -> dict[str, Any]:
    return cast(dict[str, Any], yaml.safe_load((_HERE / name).read_text(encoding="utf-8")))
