"""What an administrator works with: one change of the set-up at a time, each written down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from city import audit
from city.audit import AuditAct
from city.changes import Changes
from city.desk_models import AnswerTemplate, CloseReason, ThirdParty
from city.models import Actor, Category, CategoryGroup, Jurisdiction, Team, TeamCalendar
from city.parts import CODE_PATTERN, NO_TEXT, Steps, untold
from city.unfit import Unfit
from geo.models import Layer

Part = TypeVar("Part", bound=BaseModel)
Row = TypeVar(
    "Row",
    Category,
    CategoryGroup,
    Team,
    TeamCalendar,
    CloseReason,
    ThirdParty,
    AnswerTemplate,
    Layer,
)


class UnknownSetting(Exception):
    """The city has set up nothing of this name."""


class CodeTaken(Exception):
    """Something of the same kind has the code already."""


class UnfitPart(Exception):
    """What is wanted breaks the rules of a city file; `faults` says where and which."""

    def __init__(self, *faults: tuple[Steps, Unfit]) -> None:
        super().__init__("unfit part")
        self.faults: Sequence[tuple[Steps, Unfit]] = faults


class _Retirable(Protocol):
    retired_at: Any


@dataclass(frozen=True, slots=True)
class Administration:
    """Somebody changing their city's set-up; without a person, who has the command line."""

    session: Session
    person_id: int | None
    jurisdiction_id: int
    now: datetime

    def lock(self) -> Jurisdiction:
        """Return the city once nobody else changes its set-up; reports come in meanwhile."""
        query = select(Jurisdiction).where(Jurisdiction.id == self.jurisdiction_id)
        return self.session.scalars(query.with_for_update(key_share=True)).one()

    def find(self, model: type[Row], code: str) -> Row:
        """Return the city's row of the code as it stands now, or raise UnknownSetting."""
        found = None
        if re.fullmatch(CODE_PATTERN, code):
            query = select(model).where(*self._named(model, code))
            found = self.session.scalar(query.execution_options(populate_existing=True))
        if found is None:
            raise UnknownSetting
        return found

    def check_free(self, model: type[Row], code: str) -> None:
        """Raise CodeTaken where the city has, or had, such a row of the code."""
        if self.session.scalar(select(exists().where(*self._named(model, code)))):
            raise CodeTaken

    def _named(self, model: Any, code: str) -> tuple[ColumnElement[bool], ...]:
        return model.jurisdiction_id == self.jurisdiction_id, model.code == code

    def read(self, kind: type[Part], body: Mapping[str, Any], city: Jurisdiction) -> Part:
        """Return the part that the body describes by the rules of city files, or raise UnfitPart.

        Each text has to be there in the city's first language.
        """
        try:
            part = kind.model_validate(body)
        except ValidationError as error:
            raise UnfitPart(*(_fault(one) for one in error.errors())) from error
        locale = city.locales[0]
        missing = [(steps, Unfit(NO_TEXT, language=locale)) for steps in untold(part, locale)]
        if missing:
            raise UnfitPart(*missing)
        return part

    def retirement(self, row: _Retirable, *, retired: bool | None) -> datetime | None:
        """Return since when the row is to be out of use; where nothing is said, as it is now."""
        since: datetime | None = row.retired_at
        if retired is None:
            return since
        return (since or self.now) if retired else None

    def add(self, kind: str, row: Any, reference: str | None, values: Mapping[str, Any]) -> None:
        """Write a new row, and that it was added; without a reference it is known by its id."""
        self.session.add(row)
        self.session.flush()
        told = {name: (None, value) for name, value in values.items()}
        self.note(AuditAct.ADDED, kind, reference or str(row.id), told)

    def note_change(self, kind: str, reference: str, changes: Changes) -> None:
        """Write down what changed of a thing, if anything did."""
        if changes:
            self.note(AuditAct.CHANGED, kind, reference, changes)

    def note(self, act: AuditAct, kind: str, reference: str, changes: Changes) -> None:
        """Write down an act, with what it changed."""
        audit.record(
            self.session,
            self.jurisdiction_id,
            act,
            self.now,
            person_id=self.person_id,
            actor=Actor.COMMAND if self.person_id is None else Actor.PERSON,
            thing_kind=kind,
            thing_reference=reference,
            changes=dict(audit.told(kind, name, change) for name, change in changes.items()),
        )


def _fault(error: Any) -> tuple[Steps, Unfit]:
    raised = error.get("ctx", {}).get("error")
    unfit = raised if isinstance(raised, Unfit) else Unfit("{complaint}", complaint=_said(error))
    return tuple(step for step in error["loc"] if step != "[key]"), unfit


def _said(error: Any) -> str:
    complaint: str = error["msg"]
    return complaint.removeprefix("Value error, ")
