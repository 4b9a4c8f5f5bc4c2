"""Schemas about tickets, which staff alone see."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from api.fields import (
    MAX_LINE,
    MAX_TEXT,
    Choice,
    Code,
    CommaList,
    Latitude,
    Line,
    Longitude,
    Moment,
    Number,
    QueryFlag,
    Text,
    Whole,
    none_where_blank,
)
from api.schemas.changes import ChangeSchema, FieldChangeSchema
from api.schemas.common import (
    PLANNED,
    ListQuerySchema,
    PhotoSchema,
    PositionSchema,
    Schema,
    ThingSchema,
    position_of,
)
from api.schemas.decisions import DecisionSchema
from api.schemas.reports import ContactSchema, EventSchema
from city.models import Priority
from geo.coordinates import Position
from infra.words import mark
from reports.desk.flags import FlagCode
from reports.desk.handling import Step
from reports.inbox.narrowing import MOST_SOUGHT, InboxFilters, Sort
from reports.inbox.tallies import MOST_COUNTED
from reports.models import Visibility
from reports.status import Status

MAX_REASON = 500
MAX_SPLIT = 1_000
MAX_MENTIONS = 50


class TicketsQuerySchema(ListQuerySchema):
    """The filters of the inbox; `jurisdiction` can name one's own alone."""

    jurisdiction = fields.String(load_default=None)
    team = CommaList()
    priority = CommaList(Priority)
    assignee = fields.String()
    close_reason = CommaList()
    late = QueryFlag()
    unrouted = QueryFlag()
    uncertain = QueryFlag()
    undelivered = QueryFlag()
    flagged = QueryFlag()
    sort = Choice(
        Sort,
        load_default=Sort.NEWEST.value,
        metadata={
            "description": "By deadline, priority or number of reports, closed tickets come last"
        },
    )


def inbox_filters_from(query: dict[str, Any]) -> InboxFilters:
    """Return the filters of the inbox alone that a query names."""
    return InboxFilters(
        words=query.get("q") or None,
        priority=query["priority"],
        assignee=query.get("assignee"),
        close_reason=query["close_reason"],
        late=query.get("late"),
        unrouted=query.get("unrouted"),
        uncertain=query.get("uncertain"),
        undelivered=query.get("undelivered"),
        flagged=query.get("flagged"),
        sort=Sort(query["sort"]),
    )


class LastEventSchema(Schema):
    """What happened last, in the caller's language."""

    at = Moment(required=True)
    kind = fields.String(required=True)
    by = fields.String(required=True)
    text = fields.String(required=True)


class TicketItemSchema(Schema):
    """What is told of a ticket in the inbox and by itself."""

    reference = fields.String(required=True)
    status = fields.String(required=True, validate=validate.OneOf([s.value for s in Status]))
    kind = fields.String(required=True)
    category = fields.Nested(ThingSchema, required=True)
    priority = fields.String(required=True, validate=validate.OneOf([p.value for p in Priority]))
    team = fields.Nested(ThingSchema, required=True)
    assignee = fields.String(allow_none=True, required=True)
    district = fields.Nested(ThingSchema, allow_none=True, required=True)
    location = fields.Nested(PositionSchema, required=True)
    address = fields.String(allow_none=True, required=True)
    description = fields.String(required=True)
    planned_at = fields.String(allow_none=True, required=True, metadata=PLANNED)
    due_at = Moment(
        allow_none=True,
        required=True,
        metadata={"description": "Put off when a ticket that waits goes on"},
    )
    late = fields.Boolean(
        required=True, metadata={"description": "Never while it is closed or waits"}
    )
    unrouted = fields.Boolean(required=True)
    uncertain = fields.Boolean(required=True)
    undelivered = fields.Boolean(
        required=True, metadata={"description": "A mail about it was given up"}
    )
    supports = fields.Integer(required=True)
    report_count = fields.Integer(required=True)
    photos = fields.List(
        fields.Nested(PhotoSchema),
        required=True,
        metadata={"description": "Those of the work come after its reports', but not in lists"},
    )
    last_event = fields.Nested(LastEventSchema, allow_none=True, required=True)
    created_at = Moment(required=True)
    updated_at = Moment(required=True)
    closed_at = Moment(allow_none=True, required=True)


class TicketLineSchema(TicketItemSchema):
    """One line of the inbox, as of now."""

    age_s = fields.Integer(required=True)
    time_left_s = fields.Integer(
        allow_none=True,
        required=True,
        metadata={
            "description": "Less than none where it is late; null where nothing is due or the"
            " clock stands still"
        },
    )


class OpenTicketsSchema(Schema):
    """How many open tickets there are, how many late ones, and how many of each team."""

    total = fields.Integer(required=True)
    late = fields.Integer(required=True)
    teams = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class TicketsSchema(Schema):
    """A page of the inbox; the counts have every status, whichever the list is narrowed to."""

    items = fields.List(fields.Nested(TicketLineSchema), required=True)
    next = fields.Url(allow_none=True, required=True)
    counts = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={
            "description": "By status; of each closed status, and of each team where one sees no"
            f" more than one's teams, the newest {MOST_COUNTED} are looked at, or with `q`"
            f" {MOST_SOUGHT} where no fewer say the words"
        },
    )
    at_least = fields.List(
        fields.String(validate=validate.OneOf([status.value for status in Status])),
        required=True,
        metadata={"description": "The statuses of which not all were counted"},
    )
    open = fields.Nested(OpenTicketsSchema, required=True)


class TicketReportSchema(Schema):
    """A report within a ticket."""

    reference = fields.String(required=True)
    kind = fields.String(required=True)
    description = fields.String(required=True)
    location = fields.Nested(PositionSchema, required=True)
    accuracy_m = fields.Float(allow_none=True, required=True)
    address = fields.String(allow_none=True, required=True)
    answers = fields.Dict(keys=fields.String(), required=True)
    channel = fields.String(required=True)
    external_ref = fields.String(allow_none=True, required=True)
    locale = fields.String(required=True)
    observed_at = Moment(allow_none=True, required=True)
    created_at = Moment(required=True)
    contact = fields.Nested(ContactSchema, allow_none=True, required=True)
    photos = fields.List(fields.Nested(PhotoSchema), required=True)
    hidden_photos = fields.List(fields.Nested(PhotoSchema), required=True)
    visibility = fields.String(
        required=True, validate=validate.OneOf([one.value for one in Visibility])
    )


class TicketEventSchema(EventSchema):
    """One line of a ticket's whole history."""

    public = fields.Boolean(required=True)
    person = fields.String(allow_none=True, required=True)
    body = fields.String(allow_none=True, required=True)
    reason = fields.String(allow_none=True, required=True)
    changes = fields.List(
        fields.Nested(FieldChangeSchema),
        required=True,
        metadata={
            "description": (
                "From what to what, by codes and moments, and people by name. A place and an"
                " address, which have to be forgotten one day, are not kept here: theirs have"
                " neither `from` nor `to`"
            )
        },
    )
    mentions = fields.List(
        fields.String(),
        required=True,
        metadata={"description": "The names of the colleagues whom a note mentions"},
    )


class TicketFeedbackSchema(Schema):
    """Whether a reporter was satisfied with a closing, and what they wrote about it."""

    report = fields.String(required=True)
    satisfied = fields.Boolean(required=True)
    comment = fields.String(allow_none=True, required=True)
    at = Moment(required=True)
    closed_at = Moment(required=True)


class HeldSchema(Schema):
    """Who outside the city's teams has the ticket, in words, and when that should be over."""

    code = fields.String(allow_none=True, required=True)
    text = fields.String(required=True)
    since = Moment(required=True)
    expected_at = Moment(allow_none=True, required=True)


class FlagSchema(Schema):
    """Something odd about a photo of the work that nobody has cleared."""

    code = fields.String(required=True, validate=validate.OneOf([one.value for one in FlagCode]))
    text = fields.String(required=True)
    photo = fields.String(required=True, metadata={"description": "The photo's id"})
    ticket = fields.String(
        allow_none=True,
        required=True,
        metadata={"description": "The ticket with which the picture came before, if one sees it"},
    )
    at = Moment(required=True)


class TicketSchema(TicketItemSchema):
    """One ticket with all that staff may know about it.

    `photos` has those of the work too, after those of the reports, and also those of tickets that
    were merged into this one.
    """

    reports = fields.List(fields.Nested(TicketReportSchema), required=True)
    decision = fields.Nested(DecisionSchema, required=True)
    events = fields.List(fields.Nested(TicketEventSchema), required=True)
    feedback = fields.List(fields.Nested(TicketFeedbackSchema), required=True)
    next = fields.List(fields.String(), required=True)
    merged_into = fields.String(allow_none=True, required=True)
    close_reason = fields.Nested(ThingSchema, allow_none=True, required=True)
    third_party = fields.Nested(HeldSchema, allow_none=True, required=True)
    hidden_photos = fields.List(
        fields.Nested(PhotoSchema),
        required=True,
        metadata={"description": "Photos of the work that the public may not see"},
    )
    flags = fields.List(fields.Nested(FlagSchema), required=True)


ONE_OF_TWO = mark("Give one of the two, and not both.")


class PublicMessage(fields.String):
    """Words for the reporters; blank ones count as none."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(
            allow_none=True,
            validate=validate.Length(max=MAX_TEXT),
            post_load=none_where_blank,
            **arguments,
        )


class TransitionSchema(Schema):
    """Where the ticket goes and why; `public_message` is for the reporters.

    A `reason` that is the code of one of the city's reasons to close with that status counts as
    that. A `template` is filled and sent in place of a public message.
    """

    to = Choice(Status, required=True)
    reason = Text(longest=MAX_REASON, required=True)
    public_message = PublicMessage()
    template = Code(
        metadata={
            "description": "In the reporters' language where they share one, else the city's first"
        }
    )

    @validates_schema
    def check_one(self, data: dict[str, Any], **_named: Any) -> None:
        """Refuse a template beside words of one's own."""
        if data.get("template") and data.get("public_message"):
            raise ValidationError(ONE_OF_TWO, "template")

    @post_load
    def make(self, data: dict[str, Any], **_named: Any) -> Step:
        """Make a step of it."""
        return Step(**{**data, "to": Status(data["to"])})


class NewPlaceSchema(Schema):
    """Where a dispatcher puts the pin."""

    latitude = Number(required=True, validate=Latitude)
    longitude = Number(required=True, validate=Longitude)

    @post_load
    def make(self, data: dict[str, Any], **_named: Any) -> Position:
        """Make a position of it."""
        return position_of(data)


class TicketChangeSchema(Schema):
    """What is to be changed; what is left out stays.

    `category` and `team` are codes, `assignee` is a person's e-mail address.
    """

    category = fields.String()
    location = fields.Nested(NewPlaceSchema)
    address = Line(allow_none=True)
    priority = Choice(Priority)
    team = fields.String()
    assignee = Line(allow_none=True)
    due_at = Moment(allow_none=True)
    reason = Text(
        longest=MAX_REASON,
        metadata={"description": "Everybody reads with the decision why a team was chosen"},
    )


class ChangedTicketSchema(TicketSchema):
    """The ticket as it is now, and what changed and why."""

    changes = fields.List(fields.Nested(ChangeSchema), required=True)


class MergeSchema(Schema):
    """The reference of the ticket that the work goes on in."""

    into = Line(required=True)


class SplitSchema(Schema):
    """The references of the reports that get a ticket of their own."""

    reports = fields.List(
        fields.String(validate=validate.Length(max=MAX_LINE)),
        required=True,
        validate=validate.Length(min=1, max=MAX_SPLIT),
    )


class NewNoteSchema(Schema):
    """A note among staff; `mentions` are the ids of colleagues, each of whom gets a mail."""

    text = Text(required=True)
    mentions = fields.List(
        Whole(validate=validate.Range(min=1, max=2**63 - 1)),
        load_default=list,
        validate=validate.Length(max=MAX_MENTIONS),
    )


class NoteSchema(Schema):
    """A note among staff."""

    at = Moment(required=True, attribute="created_at")
    text = fields.String(required=True, attribute="reason")
