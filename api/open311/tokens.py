"""Tokens: what stands for a report whose number is not known yet."""

from __future__ import annotations

from flask import Response

from api.declarations import raises
from api.open311 import formats, parameters
from api.open311.blueprint import V2, route
from api.services import db, services
from reports import tracking
from reports.resident import reading
from reports.resident.reading import HiddenReport, UnknownReport


@route(f"{V2}/tokens/<token>")
@raises(UnknownReport, HiddenReport)
def resolve_token(token: str) -> Response:
    """Tell which report a token stands for: a tracking token, or the report's own reference.

    Every report has its number at once, so none is ever waited for.
    """
    city = parameters.jurisdiction(parameters.of_query())
    holder = tracking.read(services().settings.secret_key, token)
    report = reading.find(db(), holder or token, holder=holder)
    if report.jurisdiction_id != city.id:
        raise UnknownReport(token)
    told = {"service_request_id": report.reference, "token": token}
    return formats.answer("service_requests", [told])
