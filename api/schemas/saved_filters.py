"""Schemas about the filters that staff save for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_load, pre_load

from api.fields import BLANK, CommaList, Flag, Line, Moment
from api.schemas.common import Schema
from api.schemas.tickets import TicketsQuerySchema

MAX_NAME = 100

_NOT_A_LIST = str(fields.List.default_error_messages["invalid"])


class SavedQuerySchema(TicketsQuerySchema):
    """What the inbox is narrowed and sorted by, as its address would say it.

    What can be given several times is a list here, and yes or no is a boolean.
    """

    class Meta:
        """A page is nothing to save."""

        exclude = ("cursor", "limit", "jurisdiction")

    late = Flag()  # type: ignore[assignment]
    unrouted = Flag()  # type: ignore[assignment]
    uncertain = Flag()  # type: ignore[assignment]
    undelivered = Flag()  # type: ignore[assignment]
    flagged = Flag()  # type: ignore[assignment]

    @pre_load
    def check_types(self, given: Any, **_named: Any) -> Any:
        """Refuse what only an address may write as a text."""
        if isinstance(given, Mapping):
            faults = {
                name: [complaint]
                for name, value in given.items()
                if (complaint := _complaint(self.fields.get(name), value))
            }
            if faults:
                raise ValidationError(faults)
        # As it is given it is kept, so it must not be changed on the way.
        return given

    @post_load(pass_original=True)
    def keep(
        self, data: dict[str, Any], original: Mapping[str, Any], **_named: Any
    ) -> dict[str, Any]:
        """Keep what was given of what was understood."""
        return {name: original[name] for name in data if name in original}


def _complaint(field: fields.Field[Any] | None, value: Any) -> str | None:
    if isinstance(field, CommaList):
        texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
        return None if texts else _NOT_A_LIST
    return None


class FilterName(Line):
    """What somebody calls a filter."""

    def _deserialize(self, value: Any, *arguments: Any, **named: Any) -> Any:
        name = super()._deserialize(value, *arguments, **named)
        if name is None:
            raise ValidationError(BLANK)
        return name


class NewFilterSchema(Schema):
    """A filter to be saved."""

    name = FilterName(longest=MAX_NAME, required=True)
    query = fields.Nested(SavedQuerySchema, required=True)


class FilterChangeSchema(Schema):
    """What of a filter is to be changed; what is left out stays."""

    name = FilterName(longest=MAX_NAME)
    query = fields.Nested(SavedQuerySchema)


class FilterSchema(Schema):
    """A filter that one has saved; `url` leads to the first page of what it shows."""

    id = fields.UUID(required=True)
    name = fields.String(required=True)
    query = fields.Dict(keys=fields.String(), required=True)
    url = fields.Url(required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)


class FiltersSchema(Schema):
    """All filters that one has saved, by name."""

    items = fields.List(fields.Nested(FilterSchema), required=True)
