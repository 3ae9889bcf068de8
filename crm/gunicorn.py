"""gunicorn's configuration, for ``make run`` and for production alike."""

from __future__ import annotations

import gc
import logging
import os
from typing import Any

bind = [f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"]
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 60
graceful_timeout = 10
keepalive = 5
limit_request_line = 8190  # request targets of 8,000 bytes are ours to judge
# Who is a trusted proxy is TRUSTED_PROXIES' to say (api/proxies.py), not a header that anybody on this machine sends.
forwarded_allow_ips = ""
secure_scheme_headers: dict[str, str] = {}
# For those who switch an access log on: without query strings and referrers, which may hold credentials.
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(M)sms "%(a)s"'
control_socket_disable = True
# One connection for each thread, kept open between requests.
os.environ.setdefault("DATABASE_POOL", str(threads))


def on_starting(server: Any) -> None:
    """Keep credentials in addresses out of what gunicorn says about requests that it cannot read."""
    from crm.logs import without_sid

    logging.getLogger("gunicorn.error").addFilter(without_sid)


def post_worker_init(worker: Any) -> None:
    """Look for cycles of garbage less often, and never in what is loaded once: a long answer spent a quarter on it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
