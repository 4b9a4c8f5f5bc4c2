"""What stands in addresses: numbers no larger than the database counts."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

DIGITS = 9


class NumberConverter(IntegerConverter):
    """A number of so few digits that it may be somebody's; an address with another is unknown."""

    regex = rf"\d{{1,{DIGITS}}}"

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=10**DIGITS - 1)


def install(app: Flask) -> None:
    """Have addresses take no other numbers."""
    app.url_map.converters["int"] = NumberConverter
