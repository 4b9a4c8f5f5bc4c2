"""Open311 GeoReport v2: another face of the same reports, which translates and decides nothing."""

from __future__ import annotations

from api.open311 import description, discovery, posting, requests, services, tokens, updates
from api.open311.blueprint import blueprint
from api.open311.description import DESCRIPTION

VIEWS = (description, discovery, services, requests, posting, tokens, updates)

__all__ = ["DESCRIPTION", "VIEWS", "blueprint"]
