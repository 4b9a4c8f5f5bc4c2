"""Keys by which sensors and other systems hand reports in, as administrators give them."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from city.administration import Administration, UnknownSetting
from city.changes import assign
from city.models import ApiKey, Channel
from infra.words import mark

KIND = "key"
FIXED = mark("the channel of a key cannot be changed")
TOKEN_PREFIX = "vk_"  # noqa: S105 (what keys begin with, itself no secret)
MOST_PER_MINUTE = 6_000
DEFAULT_PER_MINUTE = 60
# So much of a key is shown: enough to tell it from others, and of no help to guess the rest.
_SHOWN = len(TOKEN_PREFIX) + 6
# A busy client's row is not written for each of its reports.
_NOTED_EVERY = timedelta(minutes=1)
_MAX_ID = 2**63 - 1


class KeyPart(BaseModel):
    """What a city says of a key: whose it is, by which channel reports come, and how many.

    One that moves tickets is for a system that the city works with: what it tells of any report
    brings the work to another status. Any other speaks for the senders of its own reports.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    channel: Channel
    per_minute: Annotated[int, Field(ge=1, le=MOST_PER_MINUTE)]
    moves_tickets: bool = False


@dataclass(frozen=True, slots=True)
class Client:
    """Who calls with a key."""

    key_id: int
    jurisdiction_id: int
    channel: Channel
    per_minute: int
    moves_tickets: bool
    last_used_at: datetime | None


def every(office: Administration) -> list[ApiKey]:
    """Return the city's keys, retired ones too."""
    query = select(ApiKey).where(ApiKey.jurisdiction_id == office.jurisdiction_id)
    return list(office.session.scalars(query.order_by(ApiKey.id)))


def find(office: Administration, id_: int) -> ApiKey:
    """Return the city's key, or raise UnknownSetting."""
    query = select(ApiKey).where(
        ApiKey.jurisdiction_id == office.jurisdiction_id, ApiKey.id == min(id_, _MAX_ID)
    )
    key = office.session.scalar(query.execution_options(populate_existing=True))
    if key is None:
        raise UnknownSetting
    return key


def create(
    office: Administration, body: dict[str, Any], secret: str | None = None
) -> tuple[ApiKey, str]:
    """Add a key and return it with its secret, which is told this once; or raise UnfitPart.

    The secret is random, unless the caller has one.
    """
    city = office.lock()
    limit = body.get("per_minute") or DEFAULT_PER_MINUTE
    moves = bool(body.get("moves_tickets"))
    part = office.read(KeyPart, {**body, "per_minute": limit, "moves_tickets": moves}, city)
    secret = secret or TOKEN_PREFIX + secrets.token_urlsafe(32)
    told = {**_values(part), "channel": part.channel.value, "prefix": secret[:_SHOWN]}
    key = ApiKey(jurisdiction_id=city.id, secret_hash=_hash(secret), created_at=office.now, **told)
    office.add(KIND, key, None, told)
    return key, secret


def change(
    office: Administration, key: ApiKey, body: dict[str, Any], *, retired: bool | None
) -> ApiKey:
    """Give the key another name or limit, or take it out of use at once; or raise UnfitPart.

    The channel stays, since reports have come by it.
    """
    limit = body.get("per_minute") or key.per_minute
    moves = body.get("moves_tickets")
    kept = {
        "channel": key.channel,
        "per_minute": limit,
        "moves_tickets": key.moves_tickets if moves is None else moves,
    }
    part = office.read(KeyPart, {**body, **kept}, office.lock())
    wanted = {**_values(part), "retired_at": office.retirement(key, retired=retired)}
    office.note_change(KIND, str(key.id), assign(key, wanted))
    return key


def find_client(session: Session, token: str) -> Client | None:
    """Return who holds the key, or None where it is unknown or retired."""
    found = session.execute(
        select(
            ApiKey.id,
            ApiKey.jurisdiction_id,
            ApiKey.channel,
            ApiKey.per_minute,
            ApiKey.moves_tickets,
            ApiKey.last_used_at,
        ).where(ApiKey.secret_hash == _hash(token), ApiKey.retired_at.is_(None))
    ).first()
    if found is None:
        return None
    id_, jurisdiction_id, channel, per_minute, moves_tickets, last_used_at = found
    return Client(id_, jurisdiction_id, Channel(channel), per_minute, moves_tickets, last_used_at)


def is_known(session: Session, secret: str) -> bool:
    """Tell whether a key has this secret, be it retired."""
    return bool(session.scalar(select(exists().where(ApiKey.secret_hash == _hash(secret)))))


def note_use(session: Session, client: Client, now: datetime) -> None:
    """Write down that the key was used, at most once a minute; nobody waits for another's note."""
    if client.last_used_at is not None and now - client.last_used_at < _NOTED_EVERY:
        return
    free = select(ApiKey.id).where(ApiKey.id == client.key_id)
    free = free.with_for_update(key_share=True, skip_locked=True)
    session.execute(
        update(ApiKey).where(ApiKey.id == free.scalar_subquery()).values(last_used_at=now),
        execution_options={"synchronize_session": False},
    )


def _values(part: KeyPart) -> dict[str, Any]:
    return part.model_dump(include={"name", "per_minute", "moves_tickets"})


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
