"""How a letter becomes a mail: as plain text and as HTML."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from infra.mail import Mail
from infra.words import mark, say

TEMPLATES = Path(__file__).parent / "templates"

_LABELLED = mark("{label}: {value}")


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail before it is laid out.

    `facts` are (label, value), `quotes` (label, words), `choices` (label, link) of what is asked.
    `unsubscribe` is where its reader ends getting such mails, if they can.
    """

    locale: str
    city: str
    subject: str
    paragraphs: tuple[str, ...]
    quotes: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    link: str | None
    link_label: str
    footer: str
    choices: tuple[tuple[str, str], ...] = ()
    unsubscribe: str | None = None


def lay_out(letter: Letter, to: str, message_id: str) -> Mail:
    """Return the letter as a mail to the address."""
    return Mail(
        to=to,
        subject=letter.subject,
        text=_layout().get_template("letter.txt").render(letter=letter, labelled=_labelled(letter)),
        html=_layout().get_template("letter.html").render(letter=letter),
        message_id=message_id,
        unsubscribe=letter.unsubscribe,
    )


def _labelled(letter: Letter) -> Callable[[str, str], str]:
    """Return what sets a label before a value, with the spaces of the letter's language."""

    def labelled(label: str, value: str) -> str:
        return say(letter.locale, _LABELLED, label=label, value=value)

    return labelled


@cache
def _layout() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
