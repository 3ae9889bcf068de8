"""gunicorn's configuration, for ``make run`` and for production alike."""

from __future__ import annotations

import os

bind = [f"{os.environ.get('HOST') or '127.0.0.1'}:{os.environ.get('PORT') or '8000'}"]
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 60
graceful_timeout = 10
keepalive = 5
limit_request_line = 8190  # request targets of 8,000 bytes are ours to judge
control_socket_disable = True
# One connection for each thread, kept open between requests.
os.environ.setdefault("DATABASE_POOL", str(threads))
