"""The first schema"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


EXTENSIONS = ("postgis", "pg_trgm", "unaccent", "btree_gist")
CIRCLES = (
    ("fk_jurisdictions_id_fallback_team_id", "jurisdictions"),
    ("fk_jurisdictions_id_ruleset_id", "jurisdictions"),
    ("fk_layers_jurisdiction_id_published_version_id", "layers"),
    ("fk_tickets_jurisdiction_id_public_message_id", "tickets"),
)


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")
    op.create_table(
        "jurisdictions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("time_zone", sa.String(), nullable=False),
        sa.Column("locales", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("fallback_team_id", sa.BigInteger(), nullable=True),
        sa.Column("ruleset_id", sa.BigInteger(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jurisdictions")),
        sa.UniqueConstraint("code", name=op.f("uq_jurisdictions_code")),
    )
    op.create_table(
        "addresses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("location", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(location) AND ST_X(location) BETWEEN -180 AND 180 AND ST_Y(location) BETWEEN -90 AND 90",
            name=op.f("ck_addresses_location_on_earth"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdictions.id"], name=op.f("fk_addresses_jurisdiction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_addresses")),
        sa.UniqueConstraint(
            "jurisdiction_id", "label", name=op.f("uq_addresses_jurisdiction_id_label")
        ),
    )
    op.create_index(
        "ix_addresses_location", "addresses", ["location"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "category_groups",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"],
            ["jurisdictions.id"],
            name=op.f("fk_category_groups_jurisdiction_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category_groups")),
        sa.UniqueConstraint(
            "jurisdiction_id", "code", name=op.f("uq_category_groups_jurisdiction_id_code")
        ),
        sa.UniqueConstraint(
            "jurisdiction_id", "id", name=op.f("uq_category_groups_jurisdiction_id_id")
        ),
    )
    op.create_table(
        "layers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("published_version_id", sa.BigInteger(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('boundary', 'service', 'reference')", name=op.f("ck_layers_role")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdictions.id"], name=op.f("fk_layers_jurisdiction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layers")),
        sa.UniqueConstraint("jurisdiction_id", "code", name=op.f("uq_layers_jurisdiction_id_code")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_layers_jurisdiction_id_id")),
    )
    op.create_index(
        "ix_layers_one_per_role",
        "layers",
        ["jurisdiction_id", "role"],
        unique=True,
        postgresql_where=sa.text("role <> 'reference' AND retired_at IS NULL"),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('administrator', 'dispatcher', 'team_lead', 'team_member', 'auditor')",
            name=op.f("ck_people_role"),
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_people_email_lower")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdictions.id"], name=op.f("fk_people_jurisdiction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("email", name=op.f("uq_people_email")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_people_jurisdiction_id_id")),
    )
    op.create_table(
        "rulesets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdictions.id"], name=op.f("fk_rulesets_jurisdiction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rulesets")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_rulesets_jurisdiction_id_id")),
        sa.UniqueConstraint(
            "jurisdiction_id", "version", name=op.f("uq_rulesets_jurisdiction_id_version")
        ),
    )
    op.create_table(
        "teams",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdictions.id"], name=op.f("fk_teams_jurisdiction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("jurisdiction_id", "code", name=op.f("uq_teams_jurisdiction_id_code")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_teams_jurisdiction_id_id")),
    )
    op.create_table(
        "categories",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("group_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("descriptions", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("kinds", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.String(), nullable=False),
        sa.Column("target_hours", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "priority IN ('low', 'normal', 'high', 'urgent')", name=op.f("ck_categories_priority")
        ),
        sa.CheckConstraint("target_hours > 0", name=op.f("ck_categories_target_hours")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "group_id"],
            ["category_groups.jurisdiction_id", "category_groups.id"],
            name=op.f("fk_categories_jurisdiction_id_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdictions.id"], name=op.f("fk_categories_jurisdiction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint(
            "jurisdiction_id", "code", name=op.f("uq_categories_jurisdiction_id_code")
        ),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_categories_jurisdiction_id_id")),
    )
    op.create_table(
        "districts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("layer_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("names", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "layer_id"],
            ["layers.jurisdiction_id", "layers.id"],
            name=op.f("fk_districts_jurisdiction_id_layer_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_districts")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_districts_jurisdiction_id_id")),
        sa.UniqueConstraint("layer_id", "code", name=op.f("uq_districts_layer_id_code")),
    )
    op.create_table(
        "layer_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("layer_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("checksum", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "layer_id"],
            ["layers.jurisdiction_id", "layers.id"],
            name=op.f("fk_layer_versions_jurisdiction_id_layer_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layer_versions")),
        sa.UniqueConstraint(
            "jurisdiction_id", "id", name=op.f("uq_layer_versions_jurisdiction_id_id")
        ),
        sa.UniqueConstraint("layer_id", "number", name=op.f("uq_layer_versions_layer_id_number")),
    )
    op.create_table(
        "staff_sessions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "person_id"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_staff_sessions_jurisdiction_id_person_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_staff_sessions_token_hash")),
    )
    op.create_index(
        op.f("ix_staff_sessions_expires_at"), "staff_sessions", ["expires_at"], unique=False
    )
    op.create_table(
        "team_members",
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "person_id"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_team_members_jurisdiction_id_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "team_id"],
            ["teams.jurisdiction_id", "teams.id"],
            name=op.f("fk_team_members_jurisdiction_id_team_id"),
        ),
        sa.PrimaryKeyConstraint("person_id", "team_id", name=op.f("pk_team_members")),
    )
    op.create_table(
        "district_shapes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("layer_version_id", sa.BigInteger(), nullable=False),
        sa.Column("district_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "shape", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "district_id"],
            ["districts.jurisdiction_id", "districts.id"],
            name=op.f("fk_district_shapes_jurisdiction_id_district_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "layer_version_id"],
            ["layer_versions.jurisdiction_id", "layer_versions.id"],
            name=op.f("fk_district_shapes_jurisdiction_id_layer_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_district_shapes")),
        sa.UniqueConstraint(
            "layer_version_id",
            "district_id",
            name=op.f("uq_district_shapes_layer_version_id_district_id"),
        ),
    )
    op.create_table(
        "questions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("texts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("choices", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "type IN ('text', 'number', 'datetime', 'choice', 'choices')",
            name=op.f("ck_questions_type"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "category_id"],
            ["categories.jurisdiction_id", "categories.id"],
            name=op.f("fk_questions_jurisdiction_id_category_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
        sa.UniqueConstraint("category_id", "code", name=op.f("uq_questions_category_id_code")),
    )
    op.create_table(
        "reports",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("location", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("external_ref", sa.String(), nullable=True),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "channel IN ('app', 'phone', 'counter', 'sensor', 'chat')",
            name=op.f("ck_reports_channel"),
        ),
        sa.CheckConstraint(
            "kind IN ('problem', 'idea', 'compliment')", name=op.f("ck_reports_kind")
        ),
        sa.CheckConstraint("visibility IN ('shown', 'hidden')", name=op.f("ck_reports_visibility")),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(location) AND ST_X(location) BETWEEN -180 AND 180 AND ST_Y(location) BETWEEN -90 AND 90",
            name=op.f("ck_reports_location_on_earth"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "category_id"],
            ["categories.jurisdiction_id", "categories.id"],
            name=op.f("fk_reports_jurisdiction_id_category_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "recorded_by"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_reports_jurisdiction_id_recorded_by"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdictions.id"], name=op.f("fk_reports_jurisdiction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_reports_jurisdiction_id_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_reports_reference")),
    )
    op.create_index(
        "ix_reports_external_ref",
        "reports",
        ["jurisdiction_id", "external_ref"],
        unique=False,
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.create_index(
        "ix_reports_location", "reports", ["location"], unique=False, postgresql_using="gist"
    )
    op.create_index(
        "ix_reports_newest", "reports", ["jurisdiction_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("ruleset_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=True),
        sa.Column("group_id", sa.BigInteger(), nullable=True),
        sa.Column("district_id", sa.BigInteger(), nullable=True),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "category_id IS NULL OR group_id IS NULL", name=op.f("ck_rules_category_or_group")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "category_id"],
            ["categories.jurisdiction_id", "categories.id"],
            name=op.f("fk_rules_jurisdiction_id_category_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "district_id"],
            ["districts.jurisdiction_id", "districts.id"],
            name=op.f("fk_rules_jurisdiction_id_district_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "group_id"],
            ["category_groups.jurisdiction_id", "category_groups.id"],
            name=op.f("fk_rules_jurisdiction_id_group_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "ruleset_id"],
            ["rulesets.jurisdiction_id", "rulesets.id"],
            name=op.f("fk_rules_jurisdiction_id_ruleset_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "team_id"],
            ["teams.jurisdiction_id", "teams.id"],
            name=op.f("fk_rules_jurisdiction_id_team_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rules")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_rules_jurisdiction_id_id")),
        sa.UniqueConstraint("ruleset_id", "position", name=op.f("uq_rules_ruleset_id_position")),
    )
    op.create_table(
        "tickets",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("category_id", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.String(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("district_id", sa.BigInteger(), nullable=True),
        sa.Column("location", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("unrouted", sa.Boolean(), nullable=False),
        sa.Column("uncertain", sa.Boolean(), nullable=False),
        sa.Column("merged_into_id", sa.BigInteger(), nullable=True),
        sa.Column("public_message_id", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind IN ('problem', 'idea', 'compliment')", name=op.f("ck_tickets_kind")
        ),
        sa.CheckConstraint(
            "priority IN ('low', 'normal', 'high', 'urgent')", name=op.f("ck_tickets_priority")
        ),
        sa.CheckConstraint(
            "status IN ('received', 'accepted', 'in_progress', 'waiting', 'resolved', 'declined', 'reopened')",
            name=op.f("ck_tickets_status"),
        ),
        sa.CheckConstraint(
            "NOT ST_IsEmpty(location) AND ST_X(location) BETWEEN -180 AND 180 AND ST_Y(location) BETWEEN -90 AND 90",
            name=op.f("ck_tickets_location_on_earth"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "assignee_id"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_tickets_jurisdiction_id_assignee_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "category_id"],
            ["categories.jurisdiction_id", "categories.id"],
            name=op.f("fk_tickets_jurisdiction_id_category_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "district_id"],
            ["districts.jurisdiction_id", "districts.id"],
            name=op.f("fk_tickets_jurisdiction_id_district_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "merged_into_id"],
            ["tickets.jurisdiction_id", "tickets.id"],
            name=op.f("fk_tickets_jurisdiction_id_merged_into_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "team_id"],
            ["teams.jurisdiction_id", "teams.id"],
            name=op.f("fk_tickets_jurisdiction_id_team_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id"], ["jurisdictions.id"], name=op.f("fk_tickets_jurisdiction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_tickets_jurisdiction_id_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_tickets_reference")),
    )
    op.create_index(
        "ix_tickets_location", "tickets", ["location"], unique=False, postgresql_using="gist"
    )
    op.create_index(
        "ix_tickets_newest", "tickets", ["jurisdiction_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_tickets_team",
        "tickets",
        ["jurisdiction_id", "team_id", "created_at", "id"],
        unique=False,
    )
    op.create_table(
        "contacts",
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("phone", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_contacts_jurisdiction_id_report_id"),
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_contacts")),
    )
    op.create_table(
        "decisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ruleset_id", sa.BigInteger(), nullable=True),
        sa.Column("rule_id", sa.BigInteger(), nullable=True),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("district_id", sa.BigInteger(), nullable=True),
        sa.Column("certain", sa.Boolean(), nullable=False),
        sa.Column("border_distance_m", sa.Double(), nullable=True),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "district_id"],
            ["districts.jurisdiction_id", "districts.id"],
            name=op.f("fk_decisions_jurisdiction_id_district_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_decisions_jurisdiction_id_report_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "rule_id"],
            ["rules.jurisdiction_id", "rules.id"],
            name=op.f("fk_decisions_jurisdiction_id_rule_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "ruleset_id"],
            ["rulesets.jurisdiction_id", "rulesets.id"],
            name=op.f("fk_decisions_jurisdiction_id_ruleset_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "team_id"],
            ["teams.jurisdiction_id", "teams.id"],
            name=op.f("fk_decisions_jurisdiction_id_team_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "ticket_id"],
            ["tickets.jurisdiction_id", "tickets.id"],
            name=op.f("fk_decisions_jurisdiction_id_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
    )
    op.create_index("ix_decisions_report_id", "decisions", ["report_id", "id"], unique=False)
    op.create_index("ix_decisions_ticket_id", "decisions", ["ticket_id", "id"], unique=False)
    op.create_table(
        "district_edges",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("shape_id", sa.BigInteger(), nullable=False),
        sa.Column("edge", Geometry("LINESTRING", srid=4326, spatial_index=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["shape_id"],
            ["district_shapes.id"],
            name=op.f("fk_district_edges_shape_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_district_edges")),
    )
    op.create_index(
        "ix_district_edges_shape_id_edge",
        "district_edges",
        ["shape_id", "edge"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_table(
        "district_pieces",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("shape_id", sa.BigInteger(), nullable=False),
        sa.Column("piece", Geometry("POLYGON", srid=4326, spatial_index=False), nullable=False),
        sa.ForeignKeyConstraint(
            ["shape_id"],
            ["district_shapes.id"],
            name=op.f("fk_district_pieces_shape_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_district_pieces")),
    )
    op.create_index(
        "ix_district_pieces_piece",
        "district_pieces",
        ["piece"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_index(
        op.f("ix_district_pieces_shape_id"), "district_pieces", ["shape_id"], unique=False
    )
    op.create_table(
        "memberships",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "moved_by"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_memberships_jurisdiction_id_moved_by"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_memberships_jurisdiction_id_report_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "ticket_id"],
            ["tickets.jurisdiction_id", "tickets.id"],
            name=op.f("fk_memberships_jurisdiction_id_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
    )
    op.create_index("ix_memberships_ticket_id", "memberships", ["ticket_id"], unique=False)
    op.create_index(
        "uq_memberships_current",
        "memberships",
        ["report_id"],
        unique=True,
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("author IN ('resident', 'city')", name=op.f("ck_messages_author")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "person_id"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_messages_jurisdiction_id_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_messages_jurisdiction_id_report_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "ticket_id"],
            ["tickets.jurisdiction_id", "tickets.id"],
            name=op.f("fk_messages_jurisdiction_id_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("jurisdiction_id", "id", name=op.f("uq_messages_jurisdiction_id_id")),
    )
    op.create_index("ix_messages_report_id", "messages", ["report_id"], unique=False)
    op.create_index("ix_messages_ticket_id", "messages", ["ticket_id"], unique=False)
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("audience", sa.String(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("message_key", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(audience = 'team') = (team_id IS NOT NULL)", name=op.f("ck_notices_team")
        ),
        sa.CheckConstraint("audience IN ('team', 'reporter')", name=op.f("ck_notices_audience")),
        sa.CheckConstraint(
            "status IN ('pending', 'sent', 'failed', 'dropped')", name=op.f("ck_notices_status")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_notices_jurisdiction_id_report_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "team_id"],
            ["teams.jurisdiction_id", "teams.id"],
            name=op.f("fk_notices_jurisdiction_id_team_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "ticket_id"],
            ["tickets.jurisdiction_id", "tickets.id"],
            name=op.f("fk_notices_jurisdiction_id_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("message_key", name=op.f("uq_notices_message_key")),
    )
    op.create_index(
        "ix_notices_pending",
        "notices",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("ix_notices_ticket_id", "notices", ["ticket_id"], unique=False)
    op.create_table(
        "photos",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("visibility", sa.String(), nullable=False),
        sa.Column("placeholder", sa.String(), nullable=True),
        sa.Column("perceptual_hash", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'ready', 'rejected')", name=op.f("ck_photos_status")
        ),
        sa.CheckConstraint("visibility IN ('shown', 'hidden')", name=op.f("ck_photos_visibility")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_photos_jurisdiction_id_report_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photos")),
        sa.UniqueConstraint("public_id", name=op.f("uq_photos_public_id")),
        sa.UniqueConstraint("report_id", "uuid", name=op.f("uq_photos_report_id_uuid")),
    )
    op.create_index(
        "ix_photos_pending",
        "photos",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_table(
        "events",
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("author IN ('resident', 'city')", name=op.f("ck_events_author")),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "message_id"],
            ["messages.jurisdiction_id", "messages.id"],
            name=op.f("fk_events_jurisdiction_id_message_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "person_id"],
            ["people.jurisdiction_id", "people.id"],
            name=op.f("fk_events_jurisdiction_id_person_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_events_jurisdiction_id_report_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "ticket_id"],
            ["tickets.jurisdiction_id", "tickets.id"],
            name=op.f("fk_events_jurisdiction_id_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("ticket_id", "seq", name=op.f("pk_events")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("jurisdiction_id", sa.BigInteger(), nullable=False),
        sa.Column("route", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("report_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "num_nonnulls(report_id, message_id) = 1", name=op.f("ck_idempotency_keys_result")
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "message_id"],
            ["messages.jurisdiction_id", "messages.id"],
            name=op.f("fk_idempotency_keys_jurisdiction_id_message_id"),
        ),
        sa.ForeignKeyConstraint(
            ["jurisdiction_id", "report_id"],
            ["reports.jurisdiction_id", "reports.id"],
            name=op.f("fk_idempotency_keys_jurisdiction_id_report_id"),
        ),
        sa.PrimaryKeyConstraint("route", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(
        op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"], unique=False
    )
    op.create_foreign_key(
        "fk_jurisdictions_id_fallback_team_id",
        "jurisdictions",
        "teams",
        ["id", "fallback_team_id"],
        ["jurisdiction_id", "id"],
        deferrable=True,
        initially="DEFERRED",
    )
    op.create_foreign_key(
        "fk_jurisdictions_id_ruleset_id",
        "jurisdictions",
        "rulesets",
        ["id", "ruleset_id"],
        ["jurisdiction_id", "id"],
        deferrable=True,
        initially="DEFERRED",
    )
    op.create_foreign_key(
        "fk_layers_jurisdiction_id_published_version_id",
        "layers",
        "layer_versions",
        ["jurisdiction_id", "published_version_id"],
        ["jurisdiction_id", "id"],
        deferrable=True,
        initially="DEFERRED",
    )
    op.create_foreign_key(
        "fk_tickets_jurisdiction_id_public_message_id",
        "tickets",
        "messages",
        ["jurisdiction_id", "public_message_id"],
        ["jurisdiction_id", "id"],
        deferrable=True,
        initially="DEFERRED",
    )


def downgrade() -> None:
    for constraint, table in CIRCLES:
        op.drop_constraint(constraint, table)
    op.drop_index(op.f("ix_idempotency_keys_created_at"), table_name="idempotency_keys")
    op.drop_table("idempotency_keys")
    op.drop_table("events")
    op.drop_index(
        "ix_photos_pending", table_name="photos", postgresql_where=sa.text("status = 'pending'")
    )
    op.drop_table("photos")
    op.drop_index("ix_notices_ticket_id", table_name="notices")
    op.drop_index(
        "ix_notices_pending", table_name="notices", postgresql_where=sa.text("status = 'pending'")
    )
    op.drop_table("notices")
    op.drop_index("ix_messages_ticket_id", table_name="messages")
    op.drop_index("ix_messages_report_id", table_name="messages")
    op.drop_table("messages")
    op.drop_index(
        "uq_memberships_current",
        table_name="memberships",
        postgresql_where=sa.text("left_at IS NULL"),
    )
    op.drop_index("ix_memberships_ticket_id", table_name="memberships")
    op.drop_table("memberships")
    op.drop_index(op.f("ix_district_pieces_shape_id"), table_name="district_pieces")
    op.drop_index("ix_district_pieces_piece", table_name="district_pieces", postgresql_using="gist")
    op.drop_table("district_pieces")
    op.drop_index(
        "ix_district_edges_shape_id_edge", table_name="district_edges", postgresql_using="gist"
    )
    op.drop_table("district_edges")
    op.drop_index("ix_decisions_ticket_id", table_name="decisions")
    op.drop_index("ix_decisions_report_id", table_name="decisions")
    op.drop_table("decisions")
    op.drop_table("contacts")
    op.drop_index("ix_tickets_team", table_name="tickets")
    op.drop_index("ix_tickets_newest", table_name="tickets")
    op.drop_index("ix_tickets_location", table_name="tickets", postgresql_using="gist")
    op.drop_table("tickets")
    op.drop_table("rules")
    op.drop_index("ix_reports_newest", table_name="reports")
    op.drop_index("ix_reports_location", table_name="reports", postgresql_using="gist")
    op.drop_index(
        "ix_reports_external_ref",
        table_name="reports",
        postgresql_where=sa.text("external_ref IS NOT NULL"),
    )
    op.drop_table("reports")
    op.drop_table("questions")
    op.drop_table("district_shapes")
    op.drop_table("team_members")
    op.drop_index(op.f("ix_staff_sessions_expires_at"), table_name="staff_sessions")
    op.drop_table("staff_sessions")
    op.drop_table("layer_versions")
    op.drop_table("districts")
    op.drop_table("categories")
    op.drop_table("teams")
    op.drop_table("rulesets")
    op.drop_table("people")
    op.drop_index(
        "ix_layers_one_per_role",
        table_name="layers",
        postgresql_where=sa.text("role <> 'reference' AND retired_at IS NULL"),
    )
    op.drop_table("layers")
    op.drop_table("category_groups")
    op.drop_index("ix_addresses_location", table_name="addresses", postgresql_using="gist")
    op.drop_table("addresses")
    op.drop_table("jurisdictions")
