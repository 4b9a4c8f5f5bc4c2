"""The question whether it is solved, as the mail about a closing puts it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from city.models import Jurisdiction
from infra.words import mark, say, say_moment
from reports import closings

_QUESTION = mark(
    "Is it solved for you? If it is not, say so by {until}, and the city will look at it again."
)
_OF_DECLINED = mark(
    "Do you agree with that? If you do not, say why by {until}, and the city will look at it again."
)
YES, NO = "yes", "no"
CHOICES = {YES: mark("Yes, it is solved"), NO: mark("No, it is not")}
CHOICES_OF_DECLINED = {YES: mark("Yes, I agree"), NO: mark("No, I do not agree")}


@dataclass(frozen=True, slots=True)
class Question:
    """The question, and for each answer its words and where it is given."""

    text: str
    choices: tuple[tuple[str, str], ...]


def question(
    locale: str, city: Jurisdiction, page: str, token: str, closed_at: datetime, *, declined: bool
) -> Question:
    """Return the question about a closing. Its links only open the page, where one answers."""
    asked, choices = (_OF_DECLINED, CHOICES_OF_DECLINED) if declined else (_QUESTION, CHOICES)
    until = closings.until(closed_at, city.feedback_days)
    return Question(
        say(locale, asked, until=say_moment(locale, until, city.time_zone)),
        tuple(
            (say(locale, words), f"{page}?{urlencode({'token': token, 'solved': answer})}")
            for answer, words in choices.items()
        ),
    )
