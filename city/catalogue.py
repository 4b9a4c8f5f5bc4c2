"""The catalogue: groups, categories and questions, as the city's administrators set them up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import exists, func, select

from city import working_time
from city.administration import Administration, UnfitPart, UnknownSetting
from city.changes import Changes, assign, sync, touch
from city.models import Category, CategoryGroup, Question
from city.parts import UNKNOWN, CategoryPart, GroupPart, QuestionPart
from city.unfit import Unfit

GROUP, CATEGORY = "group", "category"


class GroupInUse(Exception):
    """Categories in use stand under the group, so it cannot be retired."""


def group_values(part: GroupPart, position: int) -> dict[str, Any]:
    """Return what the part says of a group's row."""
    return {"names": part.names, "position": position}


def category_values(part: CategoryPart, group_id: int, position: int) -> dict[str, Any]:
    """Return what the part says of a category's row."""
    return {
        "group_id": group_id,
        "names": part.names,
        "descriptions": part.descriptions,
        "kinds": [kind.value for kind in part.kinds],
        "public": part.public,
        "priority": part.priority.value,
        "target_hours": part.target_hours,
        "target_hours_by_priority": {
            priority.value: hours for priority, hours in part.target_hours_by_priority.items()
        },
        "position": position,
    }


def question_values(questions: Iterable[QuestionPart]) -> dict[str, dict[str, Any]]:
    """Return what the parts say of the rows of a category's questions, by code."""
    return {
        question.code: {
            "texts": question.texts,
            "type": question.type.value,
            "required": question.required,
            "choices": [choice.model_dump() for choice in question.choices],
            "position": position,
        }
        for position, question in enumerate(questions)
    }


def every_group(office: Administration) -> list[CategoryGroup]:
    """Return the city's groups in its order, retired ones too."""
    query = select(CategoryGroup).where(CategoryGroup.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(CategoryGroup.position, CategoryGroup.code)))


def create_group(
    office: Administration, body: dict[str, Any], position: int | None
) -> CategoryGroup:
    """Add a group, or raise UnfitPart or CodeTaken; without a position it comes last."""
    city = office.lock()
    part = office.read(GroupPart, body, city)
    office.check_free(CategoryGroup, part.code)
    values = group_values(part, _place(office, CategoryGroup, position))
    group = CategoryGroup(jurisdiction_id=city.id, code=part.code, **values)
    office.add(GROUP, group, part.code, values)
    return group


def change_group(
    office: Administration,
    group: CategoryGroup,
    body: dict[str, Any],
    position: int | None,
    *,
    retired: bool | None,
) -> CategoryGroup:
    """Make the group what the body says, or raise UnfitPart or GroupInUse."""
    part = office.read(GroupPart, {**body, "code": group.code}, office.lock())
    used = exists().where(Category.group_id == group.id, Category.retired_at.is_(None))
    if retired and office.session.scalar(select(used)):
        raise GroupInUse
    values = group_values(part, group.position if position is None else position)
    wanted = {**values, "retired_at": office.retirement(group, retired=retired)}
    office.note_change(GROUP, group.code, assign(group, wanted))
    return group


def every_category(office: Administration) -> list[Category]:
    """Return the city's categories in its order, retired ones too."""
    query = select(Category).where(Category.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(Category.position, Category.code)))


def questions_of(office: Administration, *category_ids: int) -> dict[int, list[Question]]:
    """Return the questions that the categories ask, in order, by the category's id."""
    found: dict[int, list[Question]] = {id_: [] for id_ in category_ids}
    query = select(Question).where(
        Question.category_id.in_(category_ids), Question.retired_at.is_(None)
    )
    for question in office.session.scalars(query.order_by(Question.position)):
        found[question.category_id].append(question)
    return found


def create_category(office: Administration, body: dict[str, Any], position: int | None) -> Category:
    """Add a category with its questions, or raise UnfitPart or CodeTaken."""
    city = office.lock()
    part = office.read(CategoryPart, body, city)
    working_time.check_targets(office, city, part)
    group = _group_in_use(office, part.group)
    office.check_free(Category, part.code)
    values = category_values(part, group.id, _place(office, Category, position))
    category = Category(jurisdiction_id=city.id, code=part.code, **values)
    asked = [question.model_dump(mode="json") for question in part.questions]
    told = {**_by_code(values, group.code), "questions": asked}
    office.add(CATEGORY, category, part.code, told)
    _ask(office, category, part)
    return category


def change_category(
    office: Administration,
    category: Category,
    body: dict[str, Any],
    position: int | None,
    *,
    retired: bool | None,
) -> Category:
    """Make the category and its questions what the body says, or raise UnfitPart."""
    city = office.lock()
    part = office.read(CategoryPart, {**body, "code": category.code}, city)
    working_time.check_targets(office, city, part)
    group = _group_in_use(office, part.group)
    before = office.session.get_one(CategoryGroup, category.group_id).code
    values = category_values(part, group.id, category.position if position is None else position)
    wanted = {**values, "retired_at": office.retirement(category, retired=retired)}
    changes = assign(category, wanted)
    if changes.pop("group_id", None):
        changes["group"] = (before, group.code)
    asked = _ask(office, category, part)
    if asked and not changes:
        touch(category)
    office.note_change(CATEGORY, category.code, {**changes, **asked})
    return category


def _ask(office: Administration, category: Category, part: CategoryPart) -> Changes:
    """Make the category ask what the part says, and return what changed."""
    before = _asked(office, category)
    keys = {"jurisdiction_id": category.jurisdiction_id, "category_id": category.id}
    wanted = question_values(part.questions)
    sync(office.session, Question.category_id, keys, wanted, office.now)
    after = _asked(office, category)
    return {} if before == after else {"questions": (before, after)}


def _asked(office: Administration, category: Category) -> list[dict[str, Any]]:
    names = ("code", "texts", "type", "required", "choices")
    return [
        {name: getattr(question, name) for name in names}
        for question in questions_of(office, category.id)[category.id]
    ]


def _by_code(values: dict[str, Any], group: str) -> dict[str, Any]:
    return {"group": group, **{name: value for name, value in values.items() if name != "group_id"}}


def _group_in_use(office: Administration, code: str) -> CategoryGroup:
    unknown = UnfitPart((("group",), Unfit(UNKNOWN, what=GROUP, code=code)))
    try:
        group = office.find(CategoryGroup, code)
    except UnknownSetting:
        raise unknown from None
    if group.retired_at is not None:
        raise unknown
    return group


def _place(office: Administration, model: Any, position: int | None) -> int:
    if position is not None:
        return position
    last = select(func.max(model.position)).where(model.jurisdiction_id == office.jurisdiction_id)
    return (office.session.scalar(last) or 0) + 1
