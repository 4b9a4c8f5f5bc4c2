"""How refusals of the city's set-up and of its people's accounts are told."""

from __future__ import annotations

from collections.abc import Mapping

from api.problems import Fault, pointer
from city.administration import CodeTaken, UnfitPart, UnknownSetting
from city.catalogue import GroupInUse
from city.layers import BoundaryLayer, OtherRole, ServiceLayerTaken
from city.people import EmailTaken, LastAdministrator
from city.rulesets import RulesetPublished
from city.second_factor import NoSecondFactor, SecondFactorOn, UnfitCode
from city.sessions import WrongPassword
from city.teams import FallbackTeam, TeamOfRules
from city.working_time import CalendarOfTeams, CityCalendar
from infra.words import mark, say
from reports.mail.accounts import NotInUse
from reports.mail.letters import UnknownLink
from reports.webhooks.endpoints import TooManyWebhooks, WebhookAsleep

CODE_REQUIRED = mark("This account asks for a code of its second factor besides.")
WRONG_CODE = mark("The code is wrong, has run out or was used already.")
NO_LINK = mark("This link was used already, has run out, or was replaced by a newer one.")

PLAIN: Mapping[type[Exception], tuple[int, str, str | None]] = {
    UnknownSetting: (404, "unknown-setting", None),
    CodeTaken: (409, "code-taken", mark("This code was given already, and stays taken.")),
    EmailTaken: (409, "email-taken", mark("Somebody has this e-mail address already.")),
    FallbackTeam: (
        *(409, "fallback-team"),
        mark("This team gets what no rule covers, so it cannot be retired."),
    ),
    TeamOfRules: (
        *(409, "team-of-rules"),
        mark("A published rule names this team, so it cannot be retired."),
    ),
    GroupInUse: (
        *(409, "group-in-use"),
        mark("Categories in use stand under this group, so it cannot be retired."),
    ),
    CityCalendar: (
        *(409, "city-calendar"),
        mark("This is the city's own calendar, so it cannot be retired."),
    ),
    CalendarOfTeams: (
        *(409, "calendar-of-teams"),
        mark("A team in use has this calendar, so it cannot be retired."),
    ),
    BoundaryLayer: (
        *(409, "boundary-layer"),
        mark("The city's boundary comes with its file, and is not changed here."),
    ),
    OtherRole: (409, "other-role", mark("This layer is there already, for another role.")),
    ServiceLayerTaken: (
        *(409, "service-layer-taken"),
        mark("The city has a service layer under another code already. Bring it under that one."),
    ),
    RulesetPublished: (
        *(409, "ruleset-published"),
        mark("These rules were published, so they stay as they are. Write a new draft."),
    ),
    LastAdministrator: (
        *(409, "last-administrator"),
        mark("Nobody else can administer the city, so this person has to go on doing so."),
    ),
    NotInUse: (409, "not-in-use", mark("This person has left. Take them back first.")),
    WebhookAsleep: (409, "webhook-asleep", mark("This webhook is not in use. Enable it first.")),
    TooManyWebhooks: (409, "too-many-webhooks", mark("Retire a webhook before adding another.")),
    SecondFactorOn: (409, "second-factor-on", mark("There is a second factor already.")),
    NoSecondFactor: (409, "no-second-factor", mark("There is no second factor.")),
}

PLACED: Mapping[type[Exception], tuple[str, str, str]] = {
    UnfitCode: ("/code", "unfit-code", WRONG_CODE),
    UnknownLink: ("/token", "unknown-link", NO_LINK),
    WrongPassword: ("/password", "wrong-password", mark("The password is wrong.")),
}


def faults(error: UnfitPart, language: str) -> list[Fault]:
    """Return which rule of a city file is broken where."""
    return [
        Fault(say(language, unfit.sentence, **unfit.values), pointer=pointer(*steps))
        for steps, unfit in error.faults
    ]
