"""Reading what clients send: bounded before it is read, and judged before it is used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Set
from typing import IO, TYPE_CHECKING, Any, TypeVar

from flask import Flask, Request, g
from webargs.core import missing
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.formparser import FormDataParser

from api.problems import Fault, pointer
from api.services import locale
from infra.words import mark, say

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

View = TypeVar("View", bound=Callable[..., Any])

MAX_JSON_BYTES = 1_000_000
MAX_LAYER_BYTES = 100_000_000
# Far deeper than any body of ours, and shallow enough for whatever handles it afterwards.
MAX_DEPTH = 50
_CHUNK = 64 * 1024
_BOUND = "body_bound"

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
NOT_A_TEXT = mark("The text holds a character that cannot be stored.")
ONLY_ONCE = mark("Expected only once.")


class BodyTooLarge(Exception):
    """The body is larger than the route takes; `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"more than {limit} bytes")
        self.limit = limit


class FormTooLarge(Exception):
    """The form has more than `most_parts` parts, or a text of more than `widest` bytes."""

    def __init__(self, most_parts: int, widest: int) -> None:
        super().__init__(f"more than {most_parts} parts or {widest} bytes in one")
        self.most_parts = most_parts
        self.widest = widest


class UnsupportedBody(Exception):
    """The body is of a media type that the route does not take; `expected` names those it does."""

    def __init__(self, expected: str) -> None:
        super().__init__(expected)
        self.expected = expected


class MalformedBody(Exception):
    """The body is not what its media type says."""


class BodyTooSlow(Exception):
    """The body came too slowly, or stopped coming."""


class Overloaded(Exception):
    """More has come than can be held or answered in time."""


class BadInput(Exception):
    """The input was understood but cannot be accepted."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("bad input")
        self.faults = faults


class StrictRequest(Request):
    """A request whose forms are read whole or not at all, and whose files are always closed."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._received: list[IO[bytes]] = []

    def make_form_data_parser(self) -> FormDataParser:
        """Return a parser that raises ValueError for a form that is broken or cut off."""
        parser = super().make_form_data_parser()
        parser.silent = False
        return parser

    def close(self) -> None:
        """Close every file that was begun: of a broken form, Werkzeug itself closes none."""
        super().close()
        for file in self._received:
            file.close()

    def _get_file_stream(self, *arguments: Any, **named: Any) -> IO[bytes]:
        file = super()._get_file_stream(*arguments, **named)
        self._received.append(file)
        return file


class BodyParser(FlaskParser):
    """Reads JSON bodies and query strings in the one way that Vigie reads them."""

    DEFAULT_VALIDATION_STATUS = 422

    def load_json(self, req: Request, _schema: Any) -> Any:
        """Read the JSON body; an empty one counts as missing, and `null` as a wrong value."""
        document = read_json(req)
        return document if "document" in g else missing

    def load_querystring(self, req: Request, schema: Any) -> Any:
        """Read the query string, after a look for text that cannot be stored.

        What the schema takes one of has to come once: who sends two would not learn which counts.
        """
        _check_parameters(req.args)
        query = super().load_querystring(req, schema)
        _check_single(req.args, schema.fields.keys() - query.multiple_keys)
        return query


def read_json(req: Request) -> Any:
    """Return the JSON document of the body, or None where there is no body.

    Raise BodyTooLarge, UnsupportedBody, MalformedBody, or BadInput for text that cannot be stored.
    """
    data = read_bytes(req, MAX_JSON_BYTES)
    if not data and not req.content_type:
        return None
    if req.mimetype != "application/json" and not req.mimetype.endswith("+json"):
        raise UnsupportedBody("application/json")
    try:
        # Of bytes, json.loads would guess the encoding.
        document = json.loads(data.decode("utf-8"))
    except (RecursionError, ValueError) as error:
        raise MalformedBody from error
    _check_document(document)
    g.document = document
    return document


def document() -> Any:
    """Return the JSON document of this request, once it has been read."""
    return g.get("document")


def read_bytes(req: Request, limit: int) -> bytes:
    """Return the whole body; raise BodyTooLarge without reading what is declared too large."""
    if (req.content_length or 0) > limit:
        raise BodyTooLarge(limit)
    source = req.environ["wsgi.input"]
    wanted = req.content_length
    # A body whose length is known mostly comes in one piece, which is then not copied again.
    size = _CHUNK if wanted is None else wanted
    pieces: list[bytes] = []
    length = 0
    while length < limit + 1 and (wanted is None or length < wanted):
        piece = source.read(min(size, limit + 1 - length))
        if not piece:
            break
        pieces.append(piece)
        length += len(piece)
    if length > limit:
        raise BodyTooLarge(limit)
    if wanted is not None and length < wanted:
        raise MalformedBody
    return b"".join(pieces)


def reads_up_to(limit: int) -> Callable[[View], View]:
    """Declare how long a body the view reads, in bytes, where that is not MAX_JSON_BYTES."""

    def declare(view: View) -> View:
        setattr(view, _BOUND, limit)
        return view

    return declare


def bound_of(app: Flask, environ: WSGIEnvironment) -> int:
    """Return how long a body, in bytes, the request's view reads."""
    # No view reads less than this, so it need not be known which view it is.
    if 0 < int(environ.get("CONTENT_LENGTH") or 0) <= MAX_JSON_BYTES:
        return MAX_JSON_BYTES
    try:
        endpoint, _ = app.url_map.bind_to_environ(environ).match()
    except HTTPException:
        return MAX_JSON_BYTES
    return getattr(app.view_functions[endpoint], _BOUND, MAX_JSON_BYTES)


def is_storable(text: str) -> bool:
    """Tell whether the database can hold the text."""
    return not _NOT_STORABLE.search(text)


def _check_parameters(parameters: MultiDict[str, str]) -> None:
    faults = [
        Fault(say(locale(), NOT_A_TEXT), parameter=_NOT_STORABLE.sub("", name))
        for name, value in parameters.items(multi=True)
        if not (is_storable(name) and is_storable(value))
    ]
    if faults:
        raise BadInput(*faults)


def _check_single(parameters: MultiDict[str, str], single: Set[str]) -> None:
    repeated = [name for name, given in parameters.lists() if len(given) > 1 and name in single]
    if repeated:
        words = say(locale(), ONLY_ONCE)
        raise BadInput(*(Fault(words, parameter=name) for name in repeated))


def _check_document(document: Any) -> None:
    # A stack of our own, since what json.loads could read may be deeper than we may recurse.
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), document)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > MAX_DEPTH:
            raise MalformedBody
        if isinstance(value, str) and not is_storable(value):
            raise BadInput(Fault(say(locale(), NOT_A_TEXT), pointer=pointer(*path)))
        if isinstance(value, dict):
            for key, member in value.items():
                if not is_storable(key):
                    raise BadInput(Fault(say(locale(), NOT_A_TEXT), pointer=pointer(*path)))
                waiting.append(((*path, key), member))
        elif isinstance(value, list):
            waiting += [((*path, index), member) for index, member in enumerate(value)]
