"""Close reasons, third parties and answer templates, as the city's administrators set them up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import func, select

from city.administration import Administration, UnfitPart, UnknownSetting
from city.changes import assign
from city.desk_models import AnswerTemplate, CloseReason, ThirdParty
from city.models import Category
from city.parts import UNKNOWN, CloseReasonPart, TemplatePart, ThirdPartyPart
from city.unfit import Unfit

Row = TypeVar("Row", CloseReason, ThirdParty, AnswerTemplate)
Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Setting(Generic[Row]):
    """A kind of setting: its rows, the part of a city file with its rules, what a part says."""

    kind: str
    model: type[Row]
    part: type[BaseModel]
    values: Callable[[Administration, Any, int], dict[str, Any]]


def reason_values(part: CloseReasonPart, position: int) -> dict[str, Any]:
    """Return what the part says of a close reason's row."""
    return {
        "names": part.names,
        "statuses": sorted({status.value for status in part.statuses}),
        "public_texts": part.public_texts or {},
        "position": position,
    }


def third_party_values(part: ThirdPartyPart, position: int) -> dict[str, Any]:
    """Return what the part says of a third party's row."""
    return {"names": part.names, "position": position}


def template_values(part: TemplatePart, category_id: int | None, position: int) -> dict[str, Any]:
    """Return what the part says of an answer template's row."""
    return {
        "names": part.names,
        "category_id": category_id,
        "status": part.status.value if part.status else None,
        "texts": part.texts,
        "position": position,
    }


def _of_template(office: Administration, part: TemplatePart, position: int) -> dict[str, Any]:
    return template_values(part, _category_id(office, part.category), position)


def _category_id(office: Administration, code: str | None) -> int | None:
    if code is None:
        return None
    unknown = UnfitPart((("category",), Unfit(UNKNOWN, what="category", code=code)))
    try:
        category = office.find(Category, code)
    except UnknownSetting:
        raise unknown from None
    if category.retired_at is not None:
        raise unknown
    return category.id


CLOSE_REASONS = Setting(
    "close_reason",
    CloseReason,
    CloseReasonPart,
    lambda _office, part, position: reason_values(part, position),
)
THIRD_PARTIES = Setting(
    "third_party",
    ThirdParty,
    ThirdPartyPart,
    lambda _office, part, position: third_party_values(part, position),
)
TEMPLATES = Setting("template", AnswerTemplate, TemplatePart, _of_template)


def every(office: Administration, setting: Setting[Row]) -> list[Row]:
    """Return the city's settings of the kind in its order, retired ones too."""
    model: Any = setting.model
    query = select(model).where(model.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(model.position, model.code)))


def create(
    office: Administration, setting: Setting[Row], body: dict[str, Any], position: int | None
) -> Row:
    """Add a setting, or raise UnfitPart or CodeTaken; without a position it comes last."""
    city = office.lock()
    part: Any = office.read(setting.part, body, city)
    office.check_free(setting.model, part.code)
    if position is None:
        model: Any = setting.model
        last = select(func.max(model.position)).where(model.jurisdiction_id == city.id)
        position = (office.session.scalar(last) or 0) + 1
    values = setting.values(office, part, position)
    row = setting.model(jurisdiction_id=city.id, code=part.code, **values)
    office.add(setting.kind, row, part.code, _told(office, values))
    return row


def change(
    office: Administration,
    setting: Setting[Row],
    row: Row,
    body: dict[str, Any],
    position: int | None,
    *,
    retired: bool | None,
) -> Row:
    """Make the setting what the body says, or raise UnfitPart."""
    part = office.read(setting.part, {**body, "code": row.code}, office.lock())
    values = setting.values(office, part, row.position if position is None else position)
    before = _told(office, {name: getattr(row, name) for name in values})
    changes = assign(row, {**values, "retired_at": office.retirement(row, retired=retired)})
    after = _told(office, values)
    if changes.pop("category_id", None):
        changes["category"] = (before["category"], after["category"])
    office.note_change(setting.kind, row.code, changes)
    return row


def _told(office: Administration, values: Values) -> dict[str, Any]:
    """Return the values as the audit tells them: of a category its code."""
    if "category_id" not in values:
        return dict(values)
    told = {name: value for name, value in values.items() if name != "category_id"}
    id_ = values["category_id"]
    return {**told, "category": office.session.get_one(Category, id_).code if id_ else None}
