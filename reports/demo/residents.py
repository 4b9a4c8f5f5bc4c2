"""Residents of the demo city: invented names, with addresses that belong to nobody."""

from __future__ import annotations

import unicodedata
from random import Random

from reports.intake import ContactDetails

_FIRST = (
    *("Adèle", "Ahmed", "Aline", "Anatole", "Béatrice", "Bastien", "Chantal", "Clément", "Diane"),
    *("Driss", "Edgar", "Emma", "Fatou", "Félix", "Gaëlle", "Hugo", "Irène", "Ibrahim", "Jeanne"),
    *("Joël", "Karine", "Kofi", "Léa", "Lucien", "Mireille", "Mehdi", "Noémie", "Octave"),
    *("Pauline", "Rachid", "Rose", "Sacha", "Simone", "Thibault", "Valérie", "Yvon", "Zélie"),
)
_LAST = (
    *("Aubry", "Barbosa", "Bellanger", "Bouchareb", "Carpentier", "Cissé", "Delorme", "Duchêne"),
    *("Escoffier", "Ferreira", "Gaillard", "Guérin", "Hamidi", "Jacquet", "Kowalski", "Lambert"),
    *("Lemoine", "Maillard", "Nguyen", "Perrin", "Quéré", "Rigaud", "Santos", "Tessier"),
    *("Vasseur", "Verdier", "Yildiz", "Zimmermann"),
)
_DOMAINS = ("example.org", "example.com", "example.net")
# So many people live there that some are heard of more than once.
_KNOWN = 150


def somebody(rng: Random) -> ContactDetails:
    """Return one of the residents, with a name and an e-mail address."""
    who = Random(f"resident/{rng.randrange(_KNOWN)}")  # noqa: S311 - Nobody has to be kept secret.
    first, last = who.choice(_FIRST), who.choice(_LAST)
    return ContactDetails(
        name=f"{first} {last}", email=f"{_plain(first)}.{_plain(last)}@{who.choice(_DOMAINS)}"
    )


def caller(rng: Random) -> ContactDetails:
    """Return somebody who left the number that they called from."""
    return ContactDetails(
        name=somebody(rng).name,
        phone=f"+33 6 39 98 {rng.randrange(100):02} {rng.randrange(100):02}",
    )


def _plain(name: str) -> str:
    return unicodedata.normalize("NFD", name.lower()).encode("ascii", "ignore").decode()
