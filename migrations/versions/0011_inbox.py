"""The inbox: words of tickets, filters that people keep, and what else it is narrowed by"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# Signs that end a word or join two, and signs that make a word another one: "100%" is not "100".
PARTING = r"""[\s.,;:!?()"<>«»''’`…-]+"""
SIGNS = r"""%_\@#/&+*=~^$|{}[]"""

# A text search configuration would not leave with the tables when a backup takes their place, so
# these are functions. They name their schema, since a dump is restored with an empty search path.
FUNCTIONS = (
    r"""
    CREATE FUNCTION folded(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT lower(public.unaccent('public.unaccent', $1)) $$
    """,
    rf"""
    CREATE FUNCTION parted(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT btrim(regexp_replace($1, '{PARTING}', ' ', 'g')) $$
    """,
    rf"""
    CREATE FUNCTION without_signs(text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$ SELECT translate($1, '{SIGNS}', '{" " * len(SIGNS)}') $$
    """,
    # Stems come from what was written, and from it without accents, which many leave out. Plurals
    # such as "trous" and "feux" are known to no stemmer.
    r"""
    CREATE FUNCTION stems(said text, bare text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$
        SELECT to_tsvector(
                'pg_catalog.simple', regexp_replace($2, '\m([[:alpha:]]{3,})[sx]\M', '\1', 'g')
            )
            || to_tsvector('pg_catalog.french', $2) || to_tsvector('pg_catalog.english', $2)
            || to_tsvector('pg_catalog.french', $1)
    $$
    """,
    # What bears a sign is kept as it is beside its words.
    r"""
    CREATE FUNCTION words_of(text) RETURNS tsvector
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
    AS $$
    DECLARE
        said text := public.parted($1);
        plain text := public.parted(public.folded($1));
        bare text := public.without_signs(plain);
        found tsvector := public.stems(public.without_signs(said), bare);
    BEGIN
        IF bare <> plain THEN
            found := found || array_to_tsvector(ARRAY(
                SELECT DISTINCT left(word, 200) FROM regexp_split_to_table(plain, ' ') AS word
                WHERE public.without_signs(word) <> word
            ));
        END IF;
        RETURN strip(found);
    END
    $$
    """,
    # Each word has to be there, itself or by one of its stems; one with a sign as it is.
    r"""
    CREATE FUNCTION sought(text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
    AS $$
        SELECT coalesce(string_agg('(' || wanted || ')', ' & '), '')::tsquery
        FROM (
            SELECT (
                SELECT string_agg('''' || replace(lexeme, '\', '\\') || '''', ' | ')
                FROM unnest(
                    CASE WHEN public.without_signs(bare) <> bare OR stems = ''
                        THEN array_to_tsvector(ARRAY[left(bare, 200)])
                        ELSE stems END
                )
            ) AS wanted
            FROM regexp_split_to_table(public.parted($1), ' ') AS word,
                public.folded(word) AS bare, public.stems(word, bare) AS stems
            WHERE bare <> ''
        ) AS each
    $$
    """,
    # The whole of a ticket's words, made anew; a tsvector takes no more than a megabyte.
    r"""
    CREATE FUNCTION note_words(tickets bigint[]) RETURNS void
    LANGUAGE plpgsql SET search_path = public
    AS $$
    BEGIN
        -- Whoever adds words at the same time waits here, and then sees ours.
        PERFORM FROM ticket_words WHERE ticket_id = ANY(tickets) ORDER BY ticket_id FOR UPDATE;
        INSERT INTO ticket_words (ticket_id, jurisdiction_id, words)
        SELECT t.id, t.jurisdiction_id, words_of(left(concat_ws(E'\n',
            t.reference, replace(t.reference, '-', ''), t.address,
            (SELECT string_agg(concat_ws(E'\n', r.reference, replace(r.reference, '-', ''),
                    r.address, r.description), E'\n' ORDER BY m.id)
             FROM memberships m JOIN reports r ON r.id = m.report_id
             WHERE m.ticket_id = t.id AND m.left_at IS NULL),
            (SELECT string_agg(concat_ws(E'\n', s.body, s.reason), E'\n' ORDER BY s.id)
             FROM messages s WHERE s.ticket_id = t.id)
        ), 100000))
        FROM tickets t WHERE t.id = ANY(tickets)
        ON CONFLICT (ticket_id) DO UPDATE SET words = excluded.words
        WHERE ticket_words.words <> excluded.words;
    END
    $$
    """,
    r"""
    CREATE FUNCTION words_came() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public
    AS $$
    BEGIN
        PERFORM note_words(ARRAY(SELECT DISTINCT ticket_id FROM written));
        RETURN NULL;
    END
    $$
    """,
    r"""
    CREATE FUNCTION reports_words_changed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public
    AS $$
    BEGIN
        PERFORM note_words(ARRAY(
            SELECT DISTINCT m.ticket_id FROM written w JOIN earlier e USING (id)
            JOIN memberships m ON m.report_id = w.id AND m.left_at IS NULL
            WHERE (w.description, w.address) IS DISTINCT FROM (e.description, e.address)
        ));
        RETURN NULL;
    END
    $$
    """,
    r"""
    CREATE FUNCTION tickets_words_changed() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public
    AS $$
    BEGIN
        PERFORM note_words(ARRAY[NEW.id]);
        RETURN NULL;
    END
    $$
    """,
)
SIGNATURES = (
    "tickets_words_changed()",
    "reports_words_changed()",
    "words_came()",
    "note_words(bigint[])",
    "sought(text)",
    "words_of(text)",
    "stems(text, text)",
    "without_signs(text)",
    "parted(text)",
    "folded(text)",
)
_CAME = "REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION words_came()"
TRIGGERS = (
    f"CREATE TRIGGER words_insert AFTER INSERT ON memberships {_CAME}",
    f"CREATE TRIGGER words_update AFTER UPDATE ON memberships {_CAME}",
    f"CREATE TRIGGER words_insert AFTER INSERT ON messages {_CAME}",
    f"CREATE TRIGGER words_update AFTER UPDATE ON messages {_CAME}",
    "CREATE TRIGGER words_update AFTER UPDATE ON reports"
    " REFERENCING OLD TABLE AS earlier NEW TABLE AS written"
    " FOR EACH STATEMENT EXECUTE FUNCTION reports_words_changed()",
    "CREATE TRIGGER words_update AFTER UPDATE OF address ON tickets FOR EACH ROW"
    " WHEN (NEW.address IS DISTINCT FROM OLD.address) EXECUTE FUNCTION tickets_words_changed()",
)
NARROWING = {
    "category": (["jurisdiction_id", "category_id", "created_at", "id"], None),
    "district": (["jurisdiction_id", "district_id", "created_at", "id"], None),
    "assignee": (["assignee_id", "created_at", "id"], "assignee_id IS NOT NULL"),
    "priority": (
        ["jurisdiction_id", "priority", "created_at", "id"],
        "priority <> 'normal'",
    ),
    "team_closed": (
        ["jurisdiction_id", "team_id", "status", "created_at", "id"],
        "closed_at IS NOT NULL",
    ),
    "unrouted": (["jurisdiction_id", "created_at", "id"], "unrouted IS true"),
    "uncertain": (["jurisdiction_id", "created_at", "id"], "uncertain IS true"),
}


def upgrade() -> None:
    op.create_table(
        "ticket_words",
        sa.Column("ticket_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("words", postgresql.TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "ticket_id"],
            ["tickets.jurisdiction_id", "tickets.id"],
            name=op.f("fk_ticket_words_jurisdiction_id_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_ticket_words")),
    )
    for statement in FUNCTIONS:
        op.execute(statement)
    op.execute("SELECT note_words(ARRAY(SELECT id FROM tickets))")
    op.create_index("ix_ticket_words_words", "ticket_words", ["words"], postgresql_using="gin")
    for statement in TRIGGERS:
        op.execute(statement)
    for name, (columns, condition) in NARROWING.items():
        op.create_index(
            f"ix_tickets_{name}",
            "tickets",
            columns,
            postgresql_where=sa.text(condition) if condition else None,
        )
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "person_id"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_saved_filters_jurisdiction_id_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_filters")),
        sa.UniqueConstraint("public_id", name=op.f("uq_saved_filters_public_id")),
        sa.UniqueConstraint("person_id", "name", name=op.f("uq_saved_filters_person_id_name")),
    )


def downgrade() -> None:
    op.drop_table("saved_filters")
    for name in NARROWING:
        op.drop_index(f"ix_tickets_{name}", table_name="tickets")
    for table in ("memberships", "messages"):
        op.execute(f"DROP TRIGGER words_insert ON {table}")
    for table in ("memberships", "messages", "reports", "tickets"):
        op.execute(f"DROP TRIGGER words_update ON {table}")
    for signature in SIGNATURES:
        op.execute(f"DROP FUNCTION {signature}")
    op.drop_table("ticket_words")
