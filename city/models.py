"""How a city is set up: everything below is loaded from its city file or changed by its people."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    PrimaryKeyConstraint,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from city.access import Role
from geo.columns import PositionColumn, on_earth, spatial_index
from geo.coordinates import Position
from infra.database import Base, Names, one_of, within_jurisdiction


class Kind(StrEnum):
    """What a resident wants to say."""

    PROBLEM = "problem"
    IDEA = "idea"
    COMPLIMENT = "compliment"


class Priority(StrEnum):
    """How pressing a ticket is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Channel(StrEnum):
    """How a report came in."""

    APP = "app"
    PHONE = "phone"
    COUNTER = "counter"
    SENSOR = "sensor"
    CHAT = "chat"


class KeptText(StrEnum):
    """What becomes of words and photos when a report is no longer tied to a person."""

    KEEP = "keep"
    BLANK = "blank"


class Actor(StrEnum):
    """Who did what the audit tells of: a person, the workers, or somebody at the command line."""

    PERSON = "person"
    WORKERS = "workers"
    COMMAND = "command"


class QuestionType(StrEnum):
    """How a category's question is answered."""

    TEXT = "text"
    NUMBER = "number"
    DATETIME = "datetime"
    CHOICE = "choice"
    CHOICES = "choices"


class Jurisdiction(Base):
    """One city on this installation; `retention_months` None: contact details are kept for ever.

    `calendar` is what `city/calendar_format.py` describes; None: every hour is a working hour.
    While deadlines are reckoned anew, `reckoned_to` is the id of the ticket this has come to.
    """

    __tablename__ = "jurisdictions"
    __table_args__ = (
        one_of("retention_text", KeptText),
        CheckConstraint("retention_months > 0", name="retention_months"),
        CheckConstraint(
            "relance_before_hours > 0 AND relance_after_hours > 0", name="relance_hours"
        ),
        CheckConstraint("feedback_days > 0", name="feedback_days"),
        within_jurisdiction("fallback_team_id", "teams", own="id", deferred=True),
        within_jurisdiction("ruleset_id", "rulesets", own="id", deferred=True),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    names: Mapped[Names]
    time_zone: Mapped[str]
    locales: Mapped[list[str]]
    retention_months: Mapped[int | None]
    retention_text: Mapped[str] = mapped_column(server_default=KeptText.KEEP)
    calendar: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    relance_before_hours: Mapped[int] = mapped_column(server_default=text("8"))
    relance_after_hours: Mapped[int] = mapped_column(server_default=text("8"))
    feedback_days: Mapped[int] = mapped_column(server_default=text("14"))
    reckoned_to: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(server_default="1")
    fallback_team_id: Mapped[int | None] = mapped_column(BigInteger)
    ruleset_id: Mapped[int | None] = mapped_column(BigInteger)
    retired_at: Mapped[datetime | None]


class CategoryGroup(Base):
    """A heading under which categories are shown."""

    __tablename__ = "category_groups"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("jurisdiction_id", "code"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    code: Mapped[str]
    names: Mapped[Names]
    position: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="1")
    retired_at: Mapped[datetime | None]


class Category(Base):
    """What a report is about; a priority without a target of its own has `target_hours`."""

    __tablename__ = "categories"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("jurisdiction_id", "code"),
        within_jurisdiction("group_id", "category_groups"),
        one_of("priority", Priority),
        CheckConstraint("target_hours > 0", name="target_hours"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    group_id: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str]
    names: Mapped[Names]
    descriptions: Mapped[Names]
    kinds: Mapped[list[str]]
    public: Mapped[bool]
    priority: Mapped[str]
    target_hours: Mapped[int | None]
    target_hours_by_priority: Mapped[dict[str, Any]] = mapped_column(
        server_default=text("'{}'::jsonb")
    )
    position: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="1")
    retired_at: Mapped[datetime | None]


class Question(Base):
    """One thing that a category asks; `choices` is a list of {code, names}."""

    __tablename__ = "questions"
    __table_args__ = (
        UniqueConstraint("category_id", "code"),
        within_jurisdiction("category_id", "categories"),
        one_of("type", QuestionType),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    category_id: Mapped[int] = mapped_column(BigInteger)
    code: Mapped[str]
    texts: Mapped[Names]
    type: Mapped[str]
    required: Mapped[bool]
    choices: Mapped[list[Any]]
    position: Mapped[int]
    retired_at: Mapped[datetime | None]


class TeamCalendar(Base):
    """Working time that teams may have instead of the city's, which stands at the city itself."""

    __tablename__ = "calendars"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("jurisdiction_id", "code"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    code: Mapped[str]
    names: Mapped[Names]
    calendar: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int] = mapped_column(server_default="1")
    retired_at: Mapped[datetime | None]


class Team(Base):
    """Who answers, in the city's working time or that of a calendar."""

    __tablename__ = "teams"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("jurisdiction_id", "code"),
        within_jurisdiction("calendar_id", "calendars"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    code: Mapped[str]
    names: Mapped[Names]
    email: Mapped[str]
    calendar_id: Mapped[int | None] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(server_default="1")
    retired_at: Mapped[datetime | None]


class Person(Base):
    """Somebody who works for a jurisdiction and can log in; `email` is lower case."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        one_of("role", Role),
        CheckConstraint("email = lower(email)", name="email_lower"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    role: Mapped[str]
    locale: Mapped[str]
    password_hash: Mapped[str | None]
    version: Mapped[int] = mapped_column(server_default="1")
    retired_at: Mapped[datetime | None]


class TeamMember(Base):
    """A person in a team; a person may be in several, or in none."""

    __tablename__ = "team_members"
    __table_args__ = (
        PrimaryKeyConstraint("person_id", "team_id"),
        within_jurisdiction("person_id", "people"),
        within_jurisdiction("team_id", "teams"),
    )

    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    team_id: Mapped[int] = mapped_column(BigInteger)


class StaffSession(Base):
    """A login; the token itself is never kept, only its SHA-256."""

    __tablename__ = "staff_sessions"
    __table_args__ = (within_jurisdiction("person_id", "people"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    person_id: Mapped[int] = mapped_column(BigInteger)
    token_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ApiKey(Base):
    """A client's key; the secret itself is never kept, only its SHA-256 and how it begins.

    `per_minute` is how many reports it may hand in each minute, `moves_tickets` whether its news
    of any of the city's reports brings the work to another status.
    """

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        one_of("channel", Channel),
        CheckConstraint("per_minute > 0", name="per_minute"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    name: Mapped[str]
    prefix: Mapped[str]
    secret_hash: Mapped[bytes] = mapped_column(unique=True)
    channel: Mapped[str]
    per_minute: Mapped[int]
    moves_tickets: Mapped[bool] = mapped_column(server_default=false())
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]


class Ruleset(Base):
    """Rules published as a whole, and until then a draft; `version` is that of the row."""

    __tablename__ = "rulesets"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "id"),
        UniqueConstraint("jurisdiction_id", "number"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    number: Mapped[int]
    version: Mapped[int] = mapped_column(server_default="1")
    published_at: Mapped[datetime | None]


class RuleRow(Base):
    """One rule: a category, a group or anything; a district or anywhere; to one team.

    `layer_id` is the reference layer near which it counts. `conditions` are what else
    `city/rule_parts.py` lets a rule say.
    """

    __tablename__ = "rules"
    __table_args__ = (
        UniqueConstraint("ruleset_id", "position"),
        UniqueConstraint("jurisdiction_id", "id"),
        within_jurisdiction("ruleset_id", "rulesets"),
        within_jurisdiction("category_id", "categories"),
        within_jurisdiction("group_id", "category_groups"),
        within_jurisdiction("district_id", "districts"),
        within_jurisdiction("layer_id", "layers"),
        within_jurisdiction("team_id", "teams"),
        CheckConstraint("category_id IS NULL OR group_id IS NULL", name="category_or_group"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(BigInteger)
    ruleset_id: Mapped[int] = mapped_column(BigInteger)
    position: Mapped[int]
    category_id: Mapped[int | None] = mapped_column(BigInteger)
    group_id: Mapped[int | None] = mapped_column(BigInteger)
    district_id: Mapped[int | None] = mapped_column(BigInteger)
    layer_id: Mapped[int | None] = mapped_column(BigInteger)
    team_id: Mapped[int] = mapped_column(BigInteger)
    conditions: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class Address(Base):
    """An address that teams can find their way with."""

    __tablename__ = "addresses"
    __table_args__ = (
        UniqueConstraint("jurisdiction_id", "label"),
        on_earth("location"),
        spatial_index("addresses", "location"),
        Index("ix_addresses_spelling", "jurisdiction_id", text("parted(folded(label))")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    label: Mapped[str]
    location: Mapped[Position] = mapped_column(PositionColumn)


class AuditEntry(Base):
    """One act that has to be shown later; the database refuses to change or delete it.

    `changes` holds ids, codes, counts and the city's own published words, never contact details or
    what somebody wrote.
    """

    __tablename__ = "audit_entries"
    __table_args__ = (
        within_jurisdiction("person_id", "people"),
        one_of("actor", Actor),
        CheckConstraint("(actor = 'person') = (person_id IS NOT NULL)", name="person"),
        Index("ix_audit_entries_newest", "jurisdiction_id", "at", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    jurisdiction_id: Mapped[int] = mapped_column(ForeignKey("jurisdictions.id"))
    at: Mapped[datetime]
    actor: Mapped[str]
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    act: Mapped[str]
    thing_kind: Mapped[str]
    thing_reference: Mapped[str | None]
    changes: Mapped[dict[str, Any]]
