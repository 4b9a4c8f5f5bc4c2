"""The application: its parts, its routes, and what every answer carries."""

from __future__ import annotations

import re
import time

import structlog
from flask import Flask, Response, g, request
from werkzeug.middleware.proxy_fix import ProxyFix

from api import cli, clients, cors, errors, limits, paths, refusals, spec
from api.bodies import StrictRequest
from api.counts import Counts
from api.gate import REFUSAL
from api.limits import RequestLimits
from api.metrics import Exposition
from api.open311 import facade
from api.readiness import Readiness
from api.services import Services, install, locale, request_id, services
from api.throttle import LoginThrottle
from api.views import (
    accounts,
    audit,
    bounces,
    bulk,
    calendars,
    catalogue,
    categories,
    desk_settings,
    feedback,
    health,
    keys,
    layers,
    locations,
    metrics,
    moderation,
    pages,
    password_page,
    people,
    photo_page,
    photos,
    proof,
    reports,
    residents,
    rulesets,
    saved_filters,
    sessions,
    similar,
    simulations,
    supports,
    teams,
    teamwork,
    tickets,
    webhooks,
)
from infra import logs, queue
from infra.database import make_engine, make_sessions
from infra.metrics import Metrics
from infra.progress import Progress
from infra.queue import NudgeQueue
from infra.settings import Settings
from infra.storage import Storage

log = structlog.get_logger()

VIEWS = (
    *(categories, locations, reports, photos, moderation, residents, sessions),
    *(similar, supports, bulk, teamwork, tickets, saved_filters, health, metrics),
    *(
        accounts,
        teams,
        people,
        catalogue,
        calendars,
        desk_settings,
        webhooks,
        keys,
        layers,
        rulesets,
        simulations,
        bounces,
    ),
    *(audit, feedback, proof),
)

REQUEST_ID = "X-Request-ID"
_SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# The documentation page starts itself with a script in its text; nothing else may.
_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
_DOCS_POLICY = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data:; "
    "script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"
)


class Application(Flask):
    """A Flask application whose answers to OPTIONS are as empty as they look."""

    def make_default_options_response(self) -> Response:
        """Return which methods an address takes, and no type of a body that is not there."""
        answer = super().make_default_options_response()
        del answer.headers["Content-Type"]
        return answer


def create_app(settings: Settings) -> Flask:
    """Make the application; nothing is connected to before the first request."""
    logs.configure(settings.log_level)
    app = Application("api", static_folder=None)
    app.request_class = StrictRequest
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies)  # type: ignore[method-assign]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    install(app, make_services(settings))
    errors.install(app)
    paths.install(app)
    api = spec.install(app)
    for view in VIEWS:
        api.register_blueprint(view.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(password_page.blueprint)
    app.register_blueprint(photo_page.blueprint)
    app.register_blueprint(facade.blueprint)
    refusals.install(app, api.spec.to_dict(), facade.DESCRIPTION)
    cli.install(app)
    app.before_request(_begin)
    app.after_request(_finish)
    return app


def make_services(settings: Settings) -> Services:
    """Make the parts that an application holds; nothing is connected to yet."""
    connection = queue.connect(settings.redis_url)
    engine = make_engine(settings.database_url, settings.web_threads)
    sessions_of = make_sessions(engine)
    nudges = NudgeQueue(connection, settings.job_timeouts_s)
    storage = Storage.from_url(settings.storage_url)
    counts = Counts(connection.connection_pool)
    readiness = Readiness(engine, nudges, storage)
    counted = Metrics(connection)
    counted.watch(engine)
    return Services(
        settings=settings,
        engine=engine,
        sessions=sessions_of,
        queue=nudges,
        storage=storage,
        logins=LoginThrottle(counts),
        limits=RequestLimits(counts, settings.reads_per_minute, settings.writes_per_minute),
        readiness=readiness,
        progress=Progress(connection),
        metrics=counted,
        exposition=Exposition(counted, nudges, sessions_of, readiness),
    )


def _begin() -> None:
    given = request.headers.get(REQUEST_ID, "")
    if _SAFE_ID.fullmatch(given):
        g.request_id = given
    g.began = time.perf_counter()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id())
    if refusal := request.environ.get(REFUSAL):
        raise refusal
    services().limits.admit(clients.given, clients.current)


def _finish(answer: Response) -> Response:
    headers = answer.headers
    headers[REQUEST_ID] = request_id()
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    docs = request.path.startswith("/api/docs")
    headers.setdefault("Content-Security-Policy", _DOCS_POLICY if docs else _POLICY)
    limits.tell(answer)
    cors.allow(answer)
    if request.headers.get("Authorization"):
        headers.setdefault("Cache-Control", "no-store")
    if (answer.mimetype or "").endswith("json"):
        headers.setdefault("Content-Language", locale())
        answer.vary.update(["Accept-Language", "Authorization"])
    _record(answer.status_code, time.perf_counter() - g.began)
    refusals.tell(answer)
    return answer


def _record(status: int, seconds: float) -> None:
    method, route = refusals.method(), refusals.route()
    log.info("request", method=method, route=route, status=status, seconds=round(seconds, 4))
    counted = services().metrics
    counted.requests.labels(method, route, status).inc()
    counted.request_seconds.labels(method, route).observe(seconds)
    counted.touch()
