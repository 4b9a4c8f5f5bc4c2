"""What stands in addresses: numbers as large as the database counts."""

from __future__ import annotations

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

MOST = 2**31 - 1


class NumberConverter(IntegerConverter):
    """A number that may be somebody's; of any other, nothing is found."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=MOST)


def install(app: Flask) -> None:
    """Have addresses take no other numbers."""
    app.url_map.converters["int"] = NumberConverter
