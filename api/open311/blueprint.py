"""The addresses of Open311, each of which ends in the format of its answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from flask import Blueprint, current_app, g, request
from flask.sansio.blueprints import BlueprintSetupState
from werkzeug.exceptions import MethodNotAllowed
from werkzeug.routing import PathConverter, Rule

from api.callers import NothingHere, anyone
from api.declarations import View, raises
from api.open311 import errors, parameters
from api.open311.formats import FORMATS
from api.services import prefer
from city.jurisdictions import JurisdictionRequired, UnknownJurisdiction

NAME = "open311"
NOTHING = f"{NAME}.nothing"
BASE = "/open311"
V2 = "/v2"
_ANY = f'<any("{FORMATS[0]}", "{FORMATS[1]}"):suffix>'
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

blueprint = Blueprint(NAME, __name__, url_prefix=BASE)
errors.install(blueprint)


def route(path: str, method: str = "GET", *, of_city: bool = True) -> Callable[[View], View]:
    """Have a view answer at the path in each of the formats, for whoever asks.

    `of_city` tells whether it has to know which city is meant.
    """
    errors_of_city = (JurisdictionRequired, UnknownJurisdiction) if of_city else ()

    def decorate(view: View) -> View:
        declared = anyone(raises(*errors_of_city)(view))
        blueprint.add_url_rule(f"{path}.{_ANY}", view.__name__, declared, methods=[method])
        return view

    return decorate


@blueprint.url_value_preprocessor
def _note_format(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    suffix = (values or {}).pop("suffix", None) or request.path.rpartition(".")[2]
    if suffix in FORMATS:
        g.open311_format = suffix
    language = parameters.language_of(request.args.get("locale", ""))
    if language is not None:
        prefer(language)


@blueprint.endpoint(NOTHING)
@anyone
@raises(NothingHere)
def nothing(_path: str = "") -> NoReturn:
    """Say in Open311's own way that there is nothing at this address, or not by this method."""
    routes = current_app.url_map.bind_to_environ(request.environ)
    others = [one for one in _METHODS if routes.match(method=one)[0] != request.endpoint]
    if others:
        raise MethodNotAllowed(others)
    raise NothingHere


class _Anything(PathConverter):
    """The rest of an address, ends of lines and doubled slashes among it."""

    part_isolating = False
    regex = "(?s:.*)"


@blueprint.record
def _take_the_rest(state: BlueprintSetupState) -> None:
    """Have every other address answer, and these by methods that nobody has heard of."""
    routes = state.app.url_map
    routes.converters["anything"] = _Anything
    routes.add(Rule(BASE, endpoint=NOTHING, methods=None))
    routes.add(
        Rule(f"{BASE}/<anything:_path>", endpoint=NOTHING, methods=None, merge_slashes=False)
    )
