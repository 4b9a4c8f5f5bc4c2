"""The addresses of Open311, each of which ends in the format of its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from flask import Blueprint, current_app, g, request
from werkzeug.exceptions import MethodNotAllowed

from api.callers import NothingHere, anyone
from api.declarations import View, raises
from api.open311 import errors
from api.open311.formats import FORMATS
from city.jurisdictions import JurisdictionRequired, UnknownJurisdiction

NAME = "open311"
BASE = "/open311"
V2 = "/v2"
_ANY = f'<any("{FORMATS[0]}", "{FORMATS[1]}"):suffix>'
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

blueprint = Blueprint(NAME, __name__, url_prefix=BASE)
errors.install(blueprint)


def route(path: str, method: str = "GET") -> Callable[[View], View]:
    """Have a view answer at the path in each of the formats, for whoever asks."""

    def decorate(view: View) -> View:
        declared = anyone(raises(JurisdictionRequired, UnknownJurisdiction)(view))
        blueprint.add_url_rule(f"{path}.{_ANY}", view.__name__, declared, methods=[method])
        return view

    return decorate


@blueprint.url_value_preprocessor
def _note_format(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    suffix = (values or {}).pop("suffix", None) or request.path.rpartition(".")[2]
    if suffix in FORMATS:
        g.open311_format = suffix


@blueprint.route("/<path:_path>", methods=_METHODS)
@anyone
@raises(NothingHere)
def nothing(_path: str) -> NoReturn:
    """Say in Open311's own way that there is nothing at this address, or not by this method."""
    routes = current_app.url_map.bind_to_environ(request.environ)
    others = [one for one in _METHODS if routes.match(method=one)[0] != request.endpoint]
    if others:
        raise MethodNotAllowed(others)
    raise NothingHere
