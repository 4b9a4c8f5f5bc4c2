"""Schemas of the audit."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from api.fields import MAX_LINE, CommaList, CursorField, Moment, QueryWhole
from api.schemas.common import DEFAULT_LIMIT, MAX_LIMIT, Schema
from infra.notation import in_utc
from reports.auditing import AuditFilters, Line, Source

_MAX_ID = 2**63 - 1


class AuditFiltersSchema(Schema):
    """What to look for; `from` is part of the time, `to` is not."""

    source = CommaList(Source)
    person = QueryWhole(load_default=None, validate=validate.Range(min=1, max=_MAX_ID))
    act = CommaList()
    thing = CommaList()
    reference = fields.String(load_default=None, validate=validate.Length(max=MAX_LINE))
    since = Moment(data_key="from", load_default=None)
    until = Moment(data_key="to", load_default=None)


class AuditQuerySchema(AuditFiltersSchema):
    """What to look for, and which page of it."""

    limit = QueryWhole(load_default=DEFAULT_LIMIT, validate=validate.Range(min=1, max=MAX_LIMIT))
    cursor = CursorField(load_default=None)


class AuditThingSchema(Schema):
    """What something was done to."""

    kind = fields.String(required=True)
    reference = fields.String(required=True, allow_none=True)


class AuditLineSchema(Schema):
    """Who did what to which thing; `changes` holds ids, codes and the city's own words alone."""

    at = Moment(required=True)
    source = fields.String(
        required=True, validate=validate.OneOf([source.value for source in Source])
    )
    actor = fields.String(required=True)
    person = fields.Integer(required=True, allow_none=True)
    act = fields.String(required=True)
    thing = fields.Nested(AuditThingSchema, required=True)
    changes = fields.Dict(
        required=True,
        metadata={
            "description": (
                "Of the event of a ticket, its own `changes` say from what to what by field, and"
                " `withheld` names the fields that changed and of which nothing is kept here"
            )
        },
    )


class AuditSchema(Schema):
    """A page of what was done, the newest first."""

    items = fields.List(fields.Nested(AuditLineSchema), required=True)
    next = fields.String(required=True, allow_none=True)


def filters_from(query: dict[str, Any]) -> AuditFilters:
    """Return the filters that a query names."""
    return AuditFilters(
        sources=query["source"],
        person_id=query["person"],
        acts=query["act"],
        things=query["thing"],
        reference=query["reference"],
        since=query["since"],
        until=query["until"],
    )


def told(line: Line) -> dict[str, Any]:
    """Return a line as JSON tells it."""
    return {
        "at": in_utc(line.at),
        "source": line.source.value,
        "actor": line.actor,
        "person": line.person_id,
        "act": line.act,
        "thing": {"kind": line.thing, "reference": line.reference},
        "changes": line.changes,
    }
