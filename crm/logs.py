"""How everything is logged: one line an event on standard error, JSON unless a terminal reads it.

Decides the form of a line and what may not stand in one. It knows nothing of requests: whoever
binds values with ``structlog.contextvars`` (a request's id) finds them in every line that follows.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    import logging

    from structlog.typing import EventDict, Processor, WrappedLogger

SECRET = re.compile(r"authorization|cookie|password|secret|token|api_?key|\bsid\b", re.IGNORECASE)


SID = re.compile(r"\b(sid=)[^&\s\"'#]+", re.IGNORECASE)


def scrub(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Blank the values whose names say that they are credentials, and credentials in addresses."""
    return {name: "[scrubbed]" if SECRET.search(name) else _clean(event[name]) for name in event}


def _clean(value: Any) -> Any:
    return SID.sub(r"\1[scrubbed]", value) if isinstance(value, str) else value


def without_sid(record: logging.LogRecord) -> bool:
    """Blank credentials in addresses, as a filter of a logger that has its own form of a line."""
    record.msg, record.args = _clean(record.getMessage()), ()
    return True


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    scrub,
]


def configuration(level: str) -> dict[str, Any]:
    """Return Django's LOGGING for a level, and lead structlog's own loggers the same way."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if sys.stderr.isatty():
        last += [structlog.dev.ConsoleRenderer()]
    else:
        last += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    formatter = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": SHARED,
        "processors": last,
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatter},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django": {"handlers": [], "level": level, "propagate": True},
            "django.request": {"level": "ERROR"},  # a refused request is an answer, not an event
        },
    }
