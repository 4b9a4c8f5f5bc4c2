"""A desk with as many tickets as wanted, spread as a city's are.

Reports come at the same pace however long the city has been at it: a tenth of the tickets is a
tenth of the years. So open tickets, which are the young ones and one in a thousand that nobody ever
closes, hardly grow with the past. Categories, districts and words are as unequal as they are
everywhere: few make up most. One ticket in eight has two reports, and some have more. Of the open
ones, one in twenty has a photo of the work that looks odd.
"""

from __future__ import annotations

import time

import psycopg

from bench.tools.database import AREA, Town, take_indexes

_FILLED = ("tickets", "reports", "memberships", "messages", "events", "ticket_words")
_AT_ONCE = 20_000

_MADE = """
    CREATE TEMPORARY TABLE made ON COMMIT DROP AS
    SELECT n, born, jurisdiction_id, place, category_id, district_id,
        team_ids[1 + category_id %% cardinality(team_ids)] AS team_id,
        CASE WHEN random() < 0.001 + 0.9 * exp(extract(epoch FROM born - now()) / 864000.0)
            THEN (ARRAY['received', 'accepted', 'in_progress', 'waiting', 'reopened'])[
                ceil(5 * random() ^ 1.5)]
            WHEN random() < 0.2 THEN 'declined' ELSE 'resolved' END AS status,
        CASE WHEN chance < 0.9 THEN 'problem' WHEN chance < 0.97 THEN 'idea'
            ELSE 'compliment' END AS kind,
        CASE WHEN urgency < 0.01 THEN 'urgent' WHEN urgency < 0.07 THEN 'high'
            WHEN urgency < 0.17 THEN 'low' ELSE 'normal' END AS priority,
        CASE WHEN random() < 0.1 THEN person_ids[ceil(cardinality(person_ids) * random())] END
            AS assignee_id
    FROM (
        SELECT n, now() - interval '5 minutes' * (%(count)s - n) AS born,
            jurisdictions.id AS jurisdiction_id, team_ids, person_ids,
            random() AS chance, random() AS urgency,
            ST_SetSRID(ST_MakePoint(
                %(west)s + random() * (%(east)s - %(west)s),
                %(south)s + random() * (%(north)s - %(south)s)
            ), 4326) AS place,
            category_ids[ceil(cardinality(category_ids) * random() ^ 2.5)] AS category_id,
            district_ids[ceil(cardinality(district_ids) * random() ^ 1.5)] AS district_id
        FROM generate_series(1, %(count)s) AS n, jurisdictions,
            (SELECT array_agg(id ORDER BY id) AS category_ids FROM categories) AS categories,
            (SELECT array_agg(id ORDER BY id) AS team_ids FROM teams) AS teams,
            (SELECT array_agg(id ORDER BY id) AS person_ids FROM people) AS people,
            (SELECT array_agg(d.id ORDER BY d.id) AS district_ids FROM districts d
             JOIN layers l ON l.id = d.layer_id WHERE l.role = 'service') AS districts
    ) AS drawn
"""
_TICKETS = """
    INSERT INTO tickets (
        id, jurisdiction_id, reference, version, status, kind, category_id, priority, team_id,
        assignee_id, district_id, location, address, unrouted, uncertain, withdrawn, due_at,
        created_at, updated_at, closed_at
    ) OVERRIDING SYSTEM VALUE
    SELECT n, jurisdiction_id, 'T-' || to_char(n, 'FM00000000'), 2, status, kind, category_id,
        priority, team_id, assignee_id, district_id, place, n %% 200 || ' rue de la Mairie',
        n %% 97 = 0, n %% 53 = 0, false,
        CASE kind WHEN 'problem' THEN born + interval '1 day' * (1 + category_id %% 20) END,
        born, born, CASE WHEN status IN ('resolved', 'declined') THEN born + interval '4 days' END
    FROM made ORDER BY n
"""
_REPORTS = """
    INSERT INTO reports (
        id, jurisdiction_id, reference, kind, category_id, description, location, accuracy_m,
        address, answers, locale, channel, visibility, created_at
    ) OVERRIDING SYSTEM VALUE
    SELECT n + part * %(count)s, jurisdiction_id,
        'R-' || to_char(n, 'FM00000000') || '-' || part, kind, category_id,
        (ARRAY['Un trou profond', 'Deux lampadaires éteints', 'Un banc cassé', 'Des encombrants',
               'Un arbre tombé', 'Une fuite d''eau', 'Un feu en panne'])[1 + n %% 7]
            || ' devant le numéro ' || n %% 200 || ', '
            || (SELECT string_agg(
                    'mot' || chr(97 + k) || (5000 * random() ^ 3)::int || chr(97 + n %% 2), ' ')
                FROM generate_series(1, 6) AS k WHERE n > 0)
            || (ARRAY['. Un vélo y est tombé.', ' depuis une semaine.', '. Merci de passer.'])[
                1 + n %% 3]
            || CASE WHEN n %% 50000 = 0 THEN ' Une licorne !' ELSE '' END
            || CASE WHEN n %% 500 = 1 THEN ' Une trottinette.' ELSE '' END,
        place, 8, n %% 200 || ' rue de la Mairie', '{}', 'fr', 'app', 'shown', born
    FROM made, generate_series(0, CASE WHEN n %% 200 = 0 THEN 6 WHEN n %% 8 = 0 THEN 1 ELSE 0 END)
        AS part ORDER BY n
"""
_MEMBERSHIPS = """
    INSERT INTO memberships (id, jurisdiction_id, ticket_id, report_id, joined_at)
    OVERRIDING SYSTEM VALUE
    SELECT id, jurisdiction_id, 1 + (id - 1) %% %(count)s, id, created_at FROM reports
"""
_MESSAGES = """
    INSERT INTO messages (id, jurisdiction_id, ticket_id, author, reason, created_at)
    OVERRIDING SYSTEM VALUE
    SELECT n, jurisdiction_id, n, 'city', 'Vu sur place, prévoir une nacelle.', born
    FROM made WHERE n %% 5 = 0
"""
_EVENTS = """
    INSERT INTO events (jurisdiction_id, ticket_id, seq, at, kind, public, author, data)
    SELECT jurisdiction_id, n, 2, born, 'status', true, 'city',
        jsonb_build_object('to', status, 'kind', kind)
    FROM made ORDER BY n
"""
_PHOTOS = """
    INSERT INTO photos (
        id, jurisdiction_id, ticket_id, person_id, purpose, uuid, public_id, sha256, original,
        media_type, size_bytes, width, height, status, visibility, attempt, strikes, created_at,
        updated_at
    ) OVERRIDING SYSTEM VALUE
    SELECT n, jurisdiction_id, n, person_id, 'after', gen_random_uuid(), gen_random_uuid(), '\\x00',
        'originals/ticket-' || n || '/' || gen_random_uuid(), 'image/jpeg', 3000000, 4000, 3000,
        'ready', 'shown', 1, 0, born, born
    FROM made, (SELECT min(id) AS person_id FROM people) AS people
    WHERE n %% 20 = 0 AND status NOT IN ('resolved', 'declined')
"""
_FLAGS = """
    INSERT INTO photo_flags (photo_id, code, jurisdiction_id, ticket_id, distance_m, created_at)
    SELECT id, 'far', jurisdiction_id, ticket_id, 400, created_at FROM photos
"""


def fill_desk(one: Town, count: int) -> None:
    """Write as many tickets, 288 a day; the newest has the highest id."""
    began = time.perf_counter()
    values = {
        "count": count,
        "west": AREA.west,
        "south": AREA.south,
        "east": AREA.east,
        "north": AREA.north,
    }
    with psycopg.connect(one.libpq_url) as connection:
        # Each row refers to those that the same statements write: the keys need no asking, and
        # the words are written at the end, when all is there.
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        connection.execute("SELECT setseed(0.5)")
        indexes = take_indexes(connection, _FILLED)
        for statement in (
            *(_MADE, _TICKETS, _REPORTS, _MEMBERSHIPS, _MESSAGES, _EVENTS, _PHOTOS, _FLAGS),
        ):
            connection.execute(statement, values)
        of_words = [one for one in indexes if b"ticket_words" in one]
        for definition in indexes:
            if definition not in of_words:
                connection.execute(definition)
        connection.execute("ANALYZE")
        for first in range(1, count + 1, _AT_ONCE):
            numbers = "SELECT note_words(ARRAY(SELECT generate_series(%s::bigint, %s)))"
            connection.execute(numbers, (first, min(count, first + _AT_ONCE - 1)))
        for definition in of_words:
            connection.execute(definition)
    with psycopg.connect(one.libpq_url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE)")
    print(f"{count:,} tickets written in {time.perf_counter() - began:.0f} s", flush=True)
