"""What a GeoPackage may hold: tables. It is a database, and could have us compute without end."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from geo.unusable import UnusableFeatures
from infra.words import mark

# The standard's own names for its tables as another standard calls them; nothing reads them.
_HARMLESS = ("spatial_ref_sys", "st_spatial_ref_sys", "geometry_columns", "st_geometry_columns")
_VIEWS = "SELECT name FROM sqlite_master WHERE type = 'view'"
# Of tables that are kept elsewhere than in the file, SQLite would have to ask who keeps them.
_COMPUTED = """
    SELECT m.name FROM sqlite_master m JOIN pragma_table_xinfo(m.name) x ON x.hidden = 2
    WHERE m.type = 'table' AND m.sql NOT LIKE 'CREATE VIRTUAL%'
"""
_REGISTER = "SELECT 1 FROM sqlite_master WHERE name = 'gpkg_contents'"

_LIVE = mark("'{name}' in the GeoPackage would have to be computed; it has to be saved as a table")


def check(path: Path) -> None:
    """Refuse a GeoPackage with views or computed columns, which GDAL would read as tables.

    Those that the standard describes are taken out of the file. Raise UnusableFeatures, or
    sqlite3.Error for what is no GeoPackage.
    """
    with closing(sqlite3.connect(path)) as base:
        if base.execute(_REGISTER).fetchone() is None:
            raise sqlite3.DatabaseError
        views = [name for (name,) in base.execute(_VIEWS)]
        computed = [name for (name,) in base.execute(_COMPUTED)]
        for name in [one for one in views if one not in _HARMLESS] + computed:
            raise UnusableFeatures(_LIVE, name=name[:80])
        for name in views:
            base.execute(f"DROP VIEW {name}")
        base.commit()
