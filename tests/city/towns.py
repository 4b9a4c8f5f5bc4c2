"""Small invented cities: a file and its drawings, written to a folder and loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy.orm import Session

from city.file_format import read_city_file
from city.loading import Loading

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
Drawing = dict[str, Any]
Ring = Sequence[tuple[float, float]]

# Far from the demo city, on the other side of the Equator.
BOUNDARY: Ring = [(20, -34), (20.2, -34), (20.2, -33.9), (20, -33.9), (20, -34)]
WEST: Ring = [(20, -34), (20.1, -34), (20.1, -33.9), (20, -33.9), (20, -34)]
EAST: Ring = [(20.1, -34), (20.2, -34), (20.2, -33.9), (20.1, -33.9), (20.1, -34)]


def rectangle(west: float, south: float, east: float, north: float) -> Ring:
    """Return a closed ring against the clock."""
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def polygon(*rings: Ring) -> Drawing:
    """Return a GeoJSON polygon: a shell and its holes."""
    return {"type": "Polygon", "coordinates": [[list(place) for place in ring] for ring in rings]}


def several(*polygons: Drawing) -> Drawing:
    """Return a GeoJSON multi-polygon."""
    return {"type": "MultiPolygon", "coordinates": [part["coordinates"] for part in polygons]}


def collection(drawings: Mapping[str, Drawing]) -> Drawing:
    """Return a FeatureCollection whose features have `code` and `name`."""
    features = [
        {
            "type": "Feature",
            "properties": {"code": code, "name": code.title()},
            "geometry": drawing,
        }
        for code, drawing in drawings.items()
    ]
    return {"type": "FeatureCollection", "features": features}


def document(code: str = "essai", **members: Any) -> dict[str, Any]:
    """Return what a small city's file says; members replace its own."""
    return {
        "jurisdiction": {
            "code": code,
            "names": {"en": code.title()},
            "time_zone": "UTC",
            "locales": ["en"],
            "boundary": "boundary.geojson",
            "fallback_team": "desk",
        },
        "layers": [
            {
                "code": "wards",
                "names": {"en": "Wards"},
                "role": "service",
                "file": "wards.geojson",
                "code_property": "code",
                "name_property": "name",
            }
        ],
        "groups": [{"code": "roads", "names": {"en": "Roads"}}],
        "categories": [
            {
                "code": "hole",
                "group": "roads",
                "names": {"en": "Hole"},
                "descriptions": {"en": "A hole in a road"},
                "kinds": ["problem"],
                "target_hours": 48,
                "questions": [{"code": "depth", "texts": {"en": "How deep?"}, "type": "number"}],
            }
        ],
        "teams": [
            {"code": "desk", "names": {"en": "Desk"}, "email": "desk@town.example"},
            {"code": "crew", "names": {"en": "Crew"}, "email": "crew@town.example"},
        ],
        "people": [
            {
                "email": f"lead@{code}.example",
                "name": "Lou Lead",
                "role": "team_lead",
                "initial_password": "first password",
                "teams": ["crew"],
            }
        ],
        "rules": [{"team": "crew", "category": "hole", "district": "west"}],
        "addresses": "addresses.csv",
        **members,
    }


def write(
    folder: Path,
    says: Mapping[str, Any] | None = None,
    *,
    boundary: Drawing | None = None,
    districts: Mapping[str, Drawing] | None = None,
    addresses: str = "label,latitude,longitude\n1 West Road,-33.95,20.05\n",
) -> Path:
    """Write a city file, its drawings and its addresses, and return the file's path."""
    folder.mkdir(exist_ok=True)
    outline = collection({"all": boundary or polygon(BOUNDARY)})
    wards = collection(districts or {"west": polygon(WEST), "east": polygon(EAST)})
    (folder / "boundary.geojson").write_text(json.dumps(outline), encoding="utf-8")
    (folder / "wards.geojson").write_text(json.dumps(wards), encoding="utf-8")
    (folder / "addresses.csv").write_text(addresses, encoding="utf-8")
    path = folder / "city.yaml"
    path.write_text(yaml.safe_dump(dict(says or document())), encoding="utf-8")
    return path


def load(session: Session, path: Path, now: datetime = NOW) -> list[str]:
    """Load a city file without committing, and return what it changed."""
    return Loading(session, read_city_file(path), now).run()
