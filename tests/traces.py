"""Looking for what was to be forgotten: in every column of every table, and in every file."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

Row = tuple[str, str]

_TABLES = """
    SELECT relname FROM pg_class JOIN pg_namespace space ON space.oid = relnamespace
    WHERE relkind IN ('r', 'p', 'm') AND nspname = 'public' AND relname <> 'spatial_ref_sys'
    ORDER BY relname
"""


def rows(session: Session) -> Counter[Row]:
    """Return every row of the database as (table, JSON of all its columns)."""
    session.rollback()
    tables = session.scalars(text(_TABLES)).all()
    assert len(tables) > 20
    return Counter(
        (table, json.dumps(row, sort_keys=True, ensure_ascii=False))
        for table in tables
        for row in session.scalars(text(f'SELECT to_jsonb(t) FROM "{table}" t'))
    )


def in_database(session: Session, *words: str) -> list[Row]:
    """Return the rows that hold one of the words in any column."""
    wanted = [word.lower() for word in words]
    return [row for row in rows(session) if any(word in row[1].lower() for word in wanted)]


def in_storage(folder: Path, *words: str) -> list[str]:
    """Return the files whose bytes hold one of the words."""
    return [
        str(path.relative_to(folder))
        for path in files(folder)
        if any(word.encode() in path.read_bytes() for word in words)
    ]


def files(folder: Path, kind: str = "") -> list[Path]:
    """Return the stored files, those of one kind such as `originals` where it is named."""
    return [path for path in (folder / "storage" / kind).rglob("*") if path.is_file()]
