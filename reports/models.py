"""Reports, tickets and what hangs on them.

Contact data stands in `contacts` and words in `messages` alone; events and decisions hold ids and
codes, and the names that the city gave, so that a person can be forgotten while history stays.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    PrimaryKeyConstraint,
    SmallInteger,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

import city.desk_models  # noqa: F401 - tickets point into its tables, which no flush may miss
import geo.models  # noqa: F401 - and into the districts
from city.models import Channel, KeptText, Kind, Priority
from geo.columns import PositionColumn, on_earth, spatial_index
from geo.coordinates import Position
from infra.database import Base, one_of, within_jurisdiction
from reports import phone_ends
from reports.purposes import Purpose
from reports.status import Status


class Visibility(StrEnum):
    """Whether the public may see a report or a photo."""

    SHOWN = "shown"
    HIDDEN = "hidden"


class PhotoStatus(StrEnum):
    """How far a photo's derivatives are."""

    PENDING = "pending"
    READY = "ready"
    REJECTED = "rejected"


class NoticeStatus(StrEnum):
    """How far a notice is; `dropped` when its reader has gone before it was sent."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"


class Audience(StrEnum):
    """To whom a notice is owed."""

    TEAM = "team"
    REPORTER = "reporter"
    DISPATCHER = "dispatcher"
    COLLEAGUE = "colleague"
    SUBSCRIBER = "subscriber"


class Author(StrEnum):
    """Who did a thing: a resident or the city."""

    RESIDENT = "resident"
    CITY = "city"


class Ticket(Base):
    """The work; `version` counts its events, `retained_text` is what retention left of it.

    `due_fixed` says that the deadline is a dispatcher's own and does not follow the target time.
    Its clock began at `clock_from`, or with the ticket where that is None, and stands still since
    `paused_at`. `relance` says how far the team and the dispatchers have been told of the deadline.
    The work is planned for a day, or for a time of day.
    """

    __tablename__ = "tickets"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        within_jurisdiction("category_id", "categories"),
        within_jurisdiction("team_id", "teams"),
        within_jurisdiction("assignee_id", "people"),
        within_jurisdiction("district_id", "districts"),
        within_jurisdiction("merged_into_id", "tickets"),
        within_jurisdiction("public_message_id", "messages", deferred=True),
        within_jurisdiction("close_reason_id", "close_reasons"),
        CheckConstraint("planned_on IS NULL OR planned_at IS NULL", name="planned_once"),
        one_of("status", Status),
        one_of("kind", Kind),
        one_of("priority", Priority),
        on_earth("location"),
        spatial_index("tickets", "location", "created_at"),
        spatial_index("tickets", "location", where="closed_at IS NULL AND merged_into_id IS NULL"),
        Index("ix_tickets_newest", "jurisdiction_id", "created_at", "id"),
        Index("ix_tickets_status", "jurisdiction_id", "status", "created_at", "id"),
        Index("ix_tickets_team", "jurisdiction_id", "team_id", "created_at", "id"),
        one_of("retained_text", KeptText),
        Index("ix_tickets_retention", "jurisdiction_id", "retained_text", "closed_at", "id"),
        Index("ix_tickets_changed", "jurisdiction_id", text("coalesce(closed_at, updated_at)")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    reference: Mapped[str] = mapped_column(unique=True)
    version: Mapped[int]
    status: Mapped[str]
    kind: Mapped[str]
    category_id: Mapped[int] = mapped_column(BigInteger)
    priority: Mapped[str]
    team_id: Mapped[int] = mapped_column(BigInteger)
    assignee_id: Mapped[int | None] = mapped_column(BigInteger)
    district_id: Mapped[int | None] = mapped_column(BigInteger)
    location: Mapped[Position] = mapped_column(PositionColumn)
    address: Mapped[str | None]
    unrouted: Mapped[bool]
    uncertain: Mapped[bool]
    merged_into_id: Mapped[int | None] = mapped_column(BigInteger)
    public_message_id: Mapped[int | None] = mapped_column(BigInteger)
    withdrawn: Mapped[bool]
    close_reason_id: Mapped[int | None] = mapped_column(BigInteger)
    planned_on: Mapped[date | None]
    planned_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    due_fixed: Mapped[bool] = mapped_column(server_default=false())
    clock_from: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    relance: Mapped[int] = mapped_column(SmallInteger, server_default=text("0"))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    retained_text: Mapped[str | None]


class Report(Base):
    """What one resident sent; once `anonymised_at` is set, nothing ties it to a person."""

    __tablename__ = "reports"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        within_jurisdiction("category_id", "categories"),
        within_jurisdiction("recorded_by", "people"),
        within_jurisdiction("api_key_id", "api_keys"),
        one_of("kind", Kind),
        one_of("channel", Channel),
        one_of("visibility", Visibility),
        on_earth("location"),
        spatial_index("reports", "location", "created_at"),
        Index("ix_reports_newest", "jurisdiction_id", "created_at", "id"),
        Index(
            "ix_reports_external_ref",
            "jurisdiction_id",
            "external_ref",
            postgresql_where=text("external_ref IS NOT NULL"),
        ),
        Index(
            "ix_reports_api_key_id",
            "api_key_id",
            "created_at",
            postgresql_where=text("api_key_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    reference: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    category_id: Mapped[int] = mapped_column(BigInteger)
    description: Mapped[str]
    location: Mapped[Position] = mapped_column(PositionColumn)
    accuracy_m: Mapped[float | None]
    address: Mapped[str | None]
    answers: Mapped[dict[str, Any]]
    locale: Mapped[str]
    observed_at: Mapped[datetime | None]
    channel: Mapped[str]
    external_ref: Mapped[str | None]
    recorded_by: Mapped[int | None] = mapped_column(BigInteger)
    api_key_id: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    issuer: Mapped[str | None]
    subject: Mapped[str | None]
    visibility: Mapped[str]
    created_at: Mapped[datetime]
    anonymised_at: Mapped[datetime | None]


class Contact(Base):
    """How to reach the reporter, and nothing else about them."""

    __tablename__ = "contacts"
    __table_args__ = (
        within_jurisdiction("report_id", "reports"),
        Index("ix_contacts_email", "jurisdiction_id", text("lower(email)")),
        Index("ix_contacts_phone", "jurisdiction_id", text(phone_ends.END_SQL)),
    )

    report_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]


class Membership(Base):
    """A report's time in a ticket; the current one has no end."""

    __tablename__ = "memberships"
    __table_args__ = (
        within_jurisdiction("ticket_id", "tickets"),
        within_jurisdiction("report_id", "reports"),
        within_jurisdiction("moved_by", "people"),
        Index(
            "uq_memberships_current",
            "report_id",
            unique=True,
            postgresql_where=text("left_at IS NULL"),
        ),
        Index("ix_memberships_ticket_id", "ticket_id"),
        Index("ix_memberships_report_id", "report_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    report_id: Mapped[int] = mapped_column(BigInteger)
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    moved_by: Mapped[int | None] = mapped_column(BigInteger)


class Message(Base):
    """Words somebody wrote: kept apart from events, so that they can be blanked.

    `body` is for the reader, `reason` is what staff gave as the ground of an act.
    """

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        within_jurisdiction("ticket_id", "tickets"),
        within_jurisdiction("report_id", "reports"),
        within_jurisdiction("person_id", "people"),
        one_of("author", Author),
        Index("ix_messages_ticket_id", "ticket_id"),
        Index("ix_messages_report_id", "report_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    report_id: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    author: Mapped[str]
    body: Mapped[str | None]
    reason: Mapped[str | None]
    created_at: Mapped[datetime]


class Event(Base):
    """One line of a ticket's history; the database refuses to change or delete it.

    `data` holds ids, codes and the city's own names, never what a person wrote.
    """

    __tablename__ = "events"
    __table_args__ = (
        PrimaryKeyConstraint("ticket_id", "seq"),
        within_jurisdiction("ticket_id", "tickets"),
        within_jurisdiction("report_id", "reports"),
        within_jurisdiction("person_id", "people"),
        within_jurisdiction("message_id", "messages"),
        one_of("author", Author),
        Index("ix_events_newest", "jurisdiction_id", "at", "ticket_id", "seq"),
    )

    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int]
    at: Mapped[datetime]
    kind: Mapped[str]
    public: Mapped[bool]
    author: Mapped[str]
    report_id: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    message_id: Mapped[int | None] = mapped_column(BigInteger)
    data: Mapped[dict[str, Any]]


class Photo(Base):
    """A photo and the state of its derivatives; `uuid` is the phone's, `public_id` ours.

    It came with a report, or it shows the work on a ticket: then a person of the staff put it there
    for a purpose. `original` is the key under which the storage has its bytes as they came.
    """

    __tablename__ = "photos"
    __table_args__ = (
        # With what photos are compared by, so that the newest are read from here alone.
        UniqueConstraint("jurisdiction_id", "id", postgresql_include=["perceptual_hash"]),
        UniqueConstraint("report_id", "uuid"),
        UniqueConstraint("ticket_id", "uuid"),
        within_jurisdiction("report_id", "reports"),
        within_jurisdiction("ticket_id", "tickets"),
        within_jurisdiction("person_id", "people"),
        CheckConstraint("num_nonnulls(report_id, ticket_id) = 1", name="owner"),
        CheckConstraint("num_nulls(ticket_id, person_id, purpose) IN (0, 3)", name="work"),
        one_of("purpose", Purpose),
        Index("ix_photos_sha256", "jurisdiction_id", "sha256"),
        one_of("status", PhotoStatus),
        one_of("visibility", Visibility),
        Index("ix_photos_pending", "created_at", postgresql_where=text("status = 'pending'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    report_id: Mapped[int | None] = mapped_column(BigInteger)
    ticket_id: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    purpose: Mapped[str | None]
    uuid: Mapped[UUID]
    public_id: Mapped[UUID] = mapped_column(unique=True)
    sha256: Mapped[bytes]
    original: Mapped[str]
    media_type: Mapped[str]
    size_bytes: Mapped[int]
    width: Mapped[int]
    height: Mapped[int]
    status: Mapped[str]
    reason: Mapped[str | None]
    visibility: Mapped[str]
    placeholder: Mapped[str | None]
    perceptual_hash: Mapped[int | None] = mapped_column(BigInteger)
    attempt: Mapped[int]
    strikes: Mapped[int]
    leased_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Notice(Base):
    """A message owed to somebody; the recipient is looked up when it is sent.

    One about a ticket as a whole names the report that has been in it for the longest time.
    """

    __tablename__ = "notices"
    __table_args__ = (
        within_jurisdiction("ticket_id", "tickets"),
        within_jurisdiction("report_id", "reports"),
        within_jurisdiction("team_id", "teams"),
        within_jurisdiction("person_id", "people"),
        within_jurisdiction("subscription_id", "subscriptions"),
        one_of("audience", Audience),
        one_of("status", NoticeStatus),
        CheckConstraint("(audience = 'team') = (team_id IS NOT NULL)", name="team"),
        CheckConstraint(
            "(audience IN ('dispatcher', 'colleague')) = (person_id IS NOT NULL)", name="person"
        ),
        Index("ix_notices_report_id", "report_id"),
        Index("ix_notices_failed", "ticket_id", postgresql_where=text("status = 'failed'")),
        Index("ix_notices_pending", "due_at", postgresql_where=text("status = 'pending'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    ticket_id: Mapped[int] = mapped_column(BigInteger)
    report_id: Mapped[int] = mapped_column(BigInteger)
    seq: Mapped[int]
    kind: Mapped[str]
    audience: Mapped[str]
    team_id: Mapped[int | None] = mapped_column(BigInteger)
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    subscription_id: Mapped[int | None] = mapped_column(BigInteger)
    locale: Mapped[str]
    message_key: Mapped[str] = mapped_column(unique=True)
    status: Mapped[str]
    attempt: Mapped[int]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]
