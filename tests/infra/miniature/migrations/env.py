"""What `alembic upgrade head` executes here: the table of starts."""

from __future__ import annotations

import os

import psycopg

with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    connection.execute("CREATE TABLE IF NOT EXISTS start (number int)")
