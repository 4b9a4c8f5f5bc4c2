"""Logs: one JSON object a line, with the request's id wherever the request leads."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog
from structlog.typing import EventDict

from infra.database import CountedPool

OUR_PACKAGES = ("__main__", "api", "workers", "reports", "city", "geo", "infra")


def configure(level: str) -> None:
    """Send our own logs and those of the libraries to standard error as JSON."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _say_where,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    # What libraries tell at INFO may hold addresses and arguments; ours say what matters. RQ tells
    # errors with their messages, and our jobs tell theirs themselves.
    root.setLevel(logging.WARNING)
    logging.getLogger("rq.worker").setLevel(logging.CRITICAL)
    for package in OUR_PACKAGES:
        logging.getLogger(package).setLevel(level)
    # SQLAlchemy names a pool's logger after the class, which is ours; what it says is not.
    logging.getLogger(f"{CountedPool.__module__}.{CountedPool.__name__}").setLevel(logging.WARNING)


def _say_where(_logger: Any, _name: str, line: EventDict) -> EventDict:
    """Tell an error by its classes and places alone: its message may quote what somebody wrote."""
    told = []
    error = _error_of(line.pop("exc_info", None))
    while error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        told.append({"error": type(error).__qualname__, "at": places})
        error = error.__cause__ or error.__context__
    return {**line, "exception": told} if told else line


def _error_of(info: Any) -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1] if isinstance(info[1], BaseException) else None
    return sys.exc_info()[1] if info else None
