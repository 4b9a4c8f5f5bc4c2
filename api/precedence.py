"""What outranks the faults of a query: that it names a jurisdiction that is nowhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from flask import request
from werkzeug.exceptions import UnprocessableEntity

from api.bodies import BadInput, is_storable
from api.declarations import View, raises
from api.services import db
from city import jurisdictions
from city.jurisdictions import UnknownJurisdiction

PARAMETER = "jurisdiction"


def _demand_known(code: str) -> None:
    jurisdictions.find(db(), code)


def names_jurisdiction(demand: Callable[..., object] = _demand_known) -> Callable[[View], View]:
    """Declare that the query may name a jurisdiction; `demand` raises for one that is nowhere.

    It gets the code and what the view gets beside its query. It is asked only when the query is
    refused, so that a good one asks the database for nothing more.
    """

    def decorate(view: View) -> View:
        @raises(UnknownJurisdiction)
        @wraps(view)
        def wrapper(*arguments: Any, **named: Any) -> Any:
            try:
                return view(*arguments, **named)
            except (BadInput, UnprocessableEntity):
                codes = request.args.getlist(PARAMETER)
                if len(codes) == 1 and is_storable(codes[0]):
                    demand(codes[0], **named)
                raise

        return cast(View, wrapper)

    return decorate
