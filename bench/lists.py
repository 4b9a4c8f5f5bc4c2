"""The map's list of a hundred reports, against ORM objects dumped by marshmallow.

Both sides answer the same request of the same application: the same limits, the same question to
the same database, the same GeoJSON, compared member by member.
"""

from __future__ import annotations

import sys
import time
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import marshmallow as ma
from flask import Response, jsonify
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    aliased,
    column_property,
    contains_eager,
    relationship,
    selectinload,
)

from api import cursors
from api.documents import GEOJSON
from api.fields import Moment
from api.services import db, locale, public_url
from bench.tools.database import fill, town
from bench.tools.verdict import Ratio, conclude
from city import jurisdictions
from city.models import Category, Kind, Team
from geo.models import District
from infra.database import Base
from infra.words import Reader
from reports.filters import Mark
from reports.history import status_text
from reports.models import Membership, Message, Photo, Report, Ticket, Visibility
from reports.photos import FORMATS, SIZES
from reports.status import Status

REPORTS = 20_000
PHOTO_EVERY = 2
TURNS = 6
IN_A_TURN = 10
WARM_UP = 3
AT_MOST = 0.2
LIMIT = 100
OURS = f"/api/v1/reports?limit={LIMIT}"
PEERS = f"/peer/reports?limit={LIMIT}"


class PeerBase(DeclarativeBase):
    """The same tables, mapped with the relations that an ORM is used for."""

    metadata = Base.metadata


class PeerCategory(PeerBase):
    """A category."""

    __table__ = Category.__table__


class PeerTeam(PeerBase):
    """A team."""

    __table__ = Team.__table__


class PeerDistrict(PeerBase):
    """A district."""

    __table__ = District.__table__


class PeerMessage(PeerBase):
    """What the city told."""

    __table__ = Message.__table__


class PeerPhoto(PeerBase):
    """A photo."""

    __table__ = Photo.__table__


_together = aliased(Membership)


class PeerTicket(PeerBase):
    """A ticket with all that a report tells of it."""

    __table__ = Ticket.__table__
    category: Mapped[PeerCategory] = relationship(
        primaryjoin=Ticket.category_id == Category.id, viewonly=True
    )
    team: Mapped[PeerTeam] = relationship(primaryjoin=Ticket.team_id == Team.id, viewonly=True)
    district: Mapped[PeerDistrict | None] = relationship(
        primaryjoin=Ticket.district_id == District.id, viewonly=True
    )
    message: Mapped[PeerMessage | None] = relationship(
        primaryjoin=Ticket.public_message_id == Message.id, viewonly=True
    )
    supports: Mapped[int] = column_property(
        select(func.count() - 1)
        .where(_together.ticket_id == Ticket.id, _together.left_at.is_(None))
        .scalar_subquery()
    )


class PeerReport(PeerBase):
    """A report in its current ticket."""

    __table__ = Report.__table__
    id: Mapped[int]
    created_at: Mapped[datetime]
    ticket: Mapped[PeerTicket] = relationship(
        secondary=Membership.__table__,
        primaryjoin=(Report.id == Membership.report_id) & Membership.left_at.is_(None),
        secondaryjoin=Membership.ticket_id == Ticket.id,
        viewonly=True,
    )
    photos: Mapped[list[PeerPhoto]] = relationship(
        primaryjoin=(Report.id == Photo.report_id) & (Photo.visibility == Visibility.SHOWN.value),
        order_by=Photo.id,
        viewonly=True,
    )


class PeerPhotoSchema(ma.Schema):
    """A photo, with its addresses by size and format."""

    id = ma.fields.String(attribute="public_id")
    status = ma.fields.String()
    reason = ma.fields.String()
    placeholder = ma.fields.String()
    purpose = ma.fields.Constant(None)
    urls = ma.fields.Function(
        lambda row: {
            str(size): {
                extension: public_url(f"/api/v1/photos/{row.public_id}/{size}.{extension}")
                for extension in FORMATS
            }
            for size in SIZES
        }
    )


class PeerThingSchema(ma.Schema):
    """A thing by the name that its reader knows."""

    code = ma.fields.String()
    name = ma.fields.Function(lambda row: Reader(locale(), ()).name(row.names))


class PeerReportSchema(ma.Schema):
    """A report as the map's feature tells it."""

    reference = ma.fields.String()
    ticket = ma.fields.String(attribute="ticket.reference")
    kind = ma.fields.String()
    category = ma.fields.Nested(PeerThingSchema, attribute="ticket.category")
    description = ma.fields.String()
    address = ma.fields.String()
    district = ma.fields.Nested(PeerThingSchema, attribute="ticket.district")
    team = ma.fields.Nested(PeerThingSchema, attribute="ticket.team")
    status = ma.fields.String(attribute="ticket.status")
    status_text = ma.fields.Function(
        lambda row: status_text(
            locale(),
            Status(row.ticket.status),
            kind=Kind(row.ticket.kind),
            withdrawn=row.ticket.withdrawn,
        )
    )
    public_message = ma.fields.String(attribute="ticket.message.body", dump_default=None)
    created_at = Moment()
    updated_at = Moment(attribute="ticket.updated_at")
    planned_at = ma.fields.Function(lambda row: row.ticket.planned_on or row.ticket.planned_at)
    due_at = Moment(attribute="ticket.due_at")
    closed_at = Moment(attribute="ticket.closed_at")
    photos = ma.fields.List(ma.fields.Nested(PeerPhotoSchema))
    supports = ma.fields.Integer(attribute="ticket.supports")


class PeerGeometrySchema(ma.Schema):
    """A point."""

    type = ma.fields.Constant("Point")
    coordinates = ma.fields.Function(lambda row: [row.location.longitude, row.location.latitude])


class PeerFeatureSchema(ma.Schema):
    """A report as a GeoJSON feature."""

    type = ma.fields.Constant("Feature")
    id = ma.fields.String(attribute="reference")
    geometry = ma.fields.Function(PeerGeometrySchema().dump)
    properties = ma.fields.Function(PeerReportSchema().dump)


FEATURES = PeerFeatureSchema(many=True)


def answer_by_orm() -> Response:
    """Answer what the public list answers, as flask-smorest's tutorials would have it."""
    jurisdiction = jurisdictions.find(db(), None)
    found = (
        db()
        .scalars(
            select(PeerReport)
            .join(PeerReport.ticket)
            .join(PeerTicket.category)
            .where(
                Report.jurisdiction_id == jurisdiction.id,
                Report.visibility == Visibility.SHOWN.value,
                Category.public,
            )
            .order_by(Report.created_at.desc(), Report.id.desc())
            .limit(LIMIT + 1)
            .options(
                contains_eager(PeerReport.ticket).contains_eager(PeerTicket.category),
                contains_eager(PeerReport.ticket).joinedload(PeerTicket.team, innerjoin=True),
                contains_eager(PeerReport.ticket).joinedload(PeerTicket.district),
                contains_eager(PeerReport.ticket).joinedload(PeerTicket.message),
                selectinload(PeerReport.photos),
            )
        )
        .all()
    )
    last = found[LIMIT - 1]
    answer = jsonify(
        type="FeatureCollection",
        features=FEATURES.dump(found[:LIMIT]),
        next=cursors.next_url(Mark(last.created_at, last.id)),
    )
    answer.mimetype = GEOJSON
    return answer


def main() -> int:
    """Ask both in turn and compare what they answer and how long they take."""
    with town() as one:
        one.app.add_url_rule("/peer/reports", view_func=answer_by_orm)
        fill(one, REPORTS, PHOTO_EVERY)
        client = one.app.test_client()
        if not _same(_ask(client, OURS)[1], _ask(client, PEERS)[1]):
            print("the two answers differ")
            return 1
        ours, peers = _race(client)
    return conclude(
        [Ratio("list of 100 as GeoJSON", "ORM and marshmallow", "ms", ours, peers, AT_MOST)]
    )


def _race(client: FlaskClient) -> tuple[list[float], list[float]]:
    """Ask both sides in turns of several requests, of which the first few are not counted.

    Taken one by one, the side that does little would be timed with the processor's caches emptied
    by the one that does much, and no server meets the two of them in such alternation.
    """
    taken: dict[str, list[float]] = {OURS: [], PEERS: []}
    for _ in range(TURNS):
        for path, times in taken.items():
            for number in range(WARM_UP + IN_A_TURN):
                seconds, _answer = _ask(client, path)
                if number >= WARM_UP:
                    times.append(seconds * 1e3)
    return taken[OURS], taken[PEERS]


def _ask(client: FlaskClient, path: str) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    answer = client.get(path, headers={"Accept": GEOJSON})
    seconds = time.perf_counter() - began
    if answer.status_code != 200 or answer.json is None:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return seconds, answer.json


def _same(ours: dict[str, Any], peers: dict[str, Any]) -> bool:
    """Compare all but the address of the next page, which holds to the path that was asked."""
    parts = [urlsplit(one.pop("next")).query.partition("cursor=")[0] for one in (ours, peers)]
    return ours == peers and parts[0] == parts[1] and len(ours["features"]) == LIMIT


if __name__ == "__main__":
    sys.exit(main())
