"""A throw-away city for benchmarks: a PostGIS and a Valkey of their own, and many rows."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from flask import Flask
from psycopg import sql

from api.app import create_app
from api.services import Services
from city.file_format import read_city_file
from city.loading import Loading
from geo.coordinates import Box
from infra.clock import now
from infra.embedded.cluster import Cluster
from infra.embedded.valkey import Valkey
from infra.settings import Settings
from tests.commands import alembic
from tests.conftest import DEMO
from tests.stack import environment

NO_MAIL = "smtp://127.0.0.1:9"
AREA = Box(2.21, 48.79, 2.27, 48.83)
"""Where the rows lie, evenly."""

OPEN_EVERY = 50
"""One ticket in so many is still open."""

RARE_EVERY = 50_000
"""One report in so many holds the word "licorne"."""

_FILLED = ("tickets", "reports", "memberships", "photos")

_MADE = """
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT n,
        CASE WHEN n %% %(open_every)s = 0
            THEN (ARRAY['received', 'accepted', 'in_progress', 'waiting', 'reopened'])[
                1 + n / %(open_every)s %% 5]
            ELSE (ARRAY['resolved', 'resolved', 'resolved', 'declined'])[1 + n %% 4] END AS status,
        date_trunc('day', now()) - interval '1 minute' * (%(count)s - n) AS born,
        ST_SetSRID(ST_MakePoint(
            %(west)s + random() * (%(east)s - %(west)s),
            %(south)s + random() * (%(north)s - %(south)s)
        ), 4326) AS place,
        categories.ids[1 + n %% cardinality(categories.ids)] AS category_id,
        teams.ids[1 + n / 7 %% cardinality(teams.ids)] AS team_id,
        districts.ids[1 + n / 3 %% cardinality(districts.ids)] AS district_id,
        jurisdictions.id AS jurisdiction_id
    FROM generate_series(1, %(count)s) AS n,
        (SELECT array_agg(id ORDER BY id) AS ids FROM categories) AS categories,
        (SELECT array_agg(id ORDER BY id) AS ids FROM teams) AS teams,
        (SELECT array_agg(d.id ORDER BY d.id) AS ids FROM districts d
         JOIN layers l ON l.id = d.layer_id WHERE l.role = 'service') AS districts,
        jurisdictions
"""
_TICKETS = """
    INSERT INTO tickets (
        id, jurisdiction_id, reference, version, status, kind, category_id, priority, team_id,
        district_id, location, address, unrouted, uncertain, withdrawn, due_at, created_at,
        updated_at, closed_at
    ) OVERRIDING SYSTEM VALUE
    SELECT n, jurisdiction_id, 'T-' || to_char(n, 'FM00000000'), 2, status, 'problem',
        category_id, 'normal', team_id,
        district_id, place, n %% 200 || ' rue de la Mairie', false, n %% 100 = 0, false,
        born + interval '3 days', born, born,
        CASE WHEN status IN ('resolved', 'declined') THEN born + interval '1 day' END
    FROM made ORDER BY n
"""
_REPORTS = """
    INSERT INTO reports (
        id, jurisdiction_id, reference, kind, category_id, description, location, accuracy_m,
        address, answers, locale, channel, visibility, created_at
    ) OVERRIDING SYSTEM VALUE
    SELECT n, jurisdiction_id, 'R-' || to_char(n, 'FM00000000'), 'problem', category_id,
        (ARRAY['Un trou profond', 'Un lampadaire éteint', 'Un banc cassé', 'Des encombrants',
               'Un arbre tombé', 'Une fuite', 'Un feu en panne'])[1 + n %% 7]
            || ' devant le numéro ' || n %% 200
            || (ARRAY[', un vélo y est tombé.', ' depuis une semaine.', ', merci de passer.'])[
                1 + n %% 3]
            || CASE WHEN n %% %(rare_every)s = 0 THEN ' Une licorne !' ELSE '' END,
        place, CAST(%(accuracy_m)s AS float8), n %% 200 || ' rue de la Mairie', '{}', 'fr', 'app',
        'shown', born
    FROM made ORDER BY n
"""
_MEMBERSHIPS = """
    INSERT INTO memberships (id, jurisdiction_id, ticket_id, report_id, joined_at)
    OVERRIDING SYSTEM VALUE
    SELECT n, jurisdiction_id, n, n, born FROM made ORDER BY n
"""
_PHOTOS = """
    INSERT INTO photos (
        id, jurisdiction_id, report_id, uuid, public_id, sha256, original, media_type, size_bytes,
        width, height, status, visibility, placeholder, attempt, strikes, created_at, updated_at
    ) OVERRIDING SYSTEM VALUE
    SELECT n, jurisdiction_id, n, gen_random_uuid(), gen_random_uuid(), '\\x00',
        'originals/' || n || '/' || gen_random_uuid(), 'image/jpeg', 3000000, 4000, 3000, 'ready',
        'shown', 'data:image/webp;base64,' || repeat('A', 120), 1, 0, born, born
    FROM made WHERE n %% %(photo_every)s = 0 ORDER BY n
"""


@dataclass(frozen=True, slots=True)
class Town:
    """An application over the demo city, and how other processes reach the same parts."""

    app: Flask
    environ: dict[str, str]
    libpq_url: str

    @property
    def parts(self) -> Services:
        """Return the application's parts."""
        found: Services = self.app.extensions["vigie"]
        return found


@contextmanager
def town(smtp_url: str = NO_MAIL) -> Iterator[Town]:
    """Run the demo city over a new database and a new Valkey, and discard both at the end."""
    with tempfile.TemporaryDirectory(prefix="vigie-bench-") as name:
        folder = Path(name)
        cluster, valkey = Cluster(folder / "postgres", durable=False), Valkey(folder / "valkey")
        try:
            cluster.start()
            valkey.start()
            cluster.create_database("city")
            url = cluster.url("city")
            environ = environment(folder, url, valkey.url, smtp_url)
            environ |= {"LOG_LEVEL": "WARNING"}
            alembic(environ, "upgrade", "head")
            yield _opened(environ, url)
        finally:
            valkey.discard()
            cluster.discard()


def fill(
    one: Town,
    count: int,
    photo_every: int = 10,
    *,
    searched: bool = True,
    accuracy_m: float | None = 8,
) -> None:
    """Write as many reports, each in a ticket of its own; the newest has the highest id.

    They are a minute apart and evenly spread over AREA, the categories, teams and districts. Where
    they are not `searched`, their words are not noted, which takes longer than all the rest.
    """
    began = time.perf_counter()
    values = {
        "count": count,
        "open_every": OPEN_EVERY,
        "rare_every": RARE_EVERY,
        "photo_every": photo_every,
        "accuracy_m": accuracy_m,
        "west": AREA.west,
        "south": AREA.south,
        "east": AREA.east,
        "north": AREA.north,
    }
    with psycopg.connect(one.libpq_url) as connection:
        # Each row refers to those that the same statements write: the keys need no asking.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        indexes = take_indexes(connection, _FILLED)
        for statement in (_MADE, _TICKETS, _REPORTS, _MEMBERSHIPS, _PHOTOS):
            connection.execute(statement, values)
        for definition in indexes:
            connection.execute(definition)
        if searched:
            connection.execute("SELECT note_words(ARRAY(SELECT id FROM tickets))")
    with psycopg.connect(one.libpq_url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    print(f"{count:,} reports and tickets written in {time.perf_counter() - began:.0f} s")


def _opened(environ: dict[str, str], libpq_url: str) -> Town:
    one = Town(create_app(Settings.from_env(environ)), environ, libpq_url)
    with one.parts.sessions.begin() as session:
        Loading(session, read_city_file(DEMO), now()).run()
    return one


def take_indexes(connection: psycopg.Connection, tables: Sequence[str]) -> list[bytes]:
    """Drop the indexes that no constraint needs, and return how they are made again."""
    rows = connection.execute(
        """
        SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
        FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid
        WHERE c.oid IS NULL AND i.indrelid = ANY(%s::regclass[])
        """,
        (list(tables),),
    ).fetchall()
    for name, _ in rows:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [definition.encode() for _, definition in rows]
