"""A small world of the benchmark, and the implementations that Django runs over it, asked by one test client."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from django.test import Client

from bench.size import PASSWORD, Size
from bench.stock import settings as stock
from crm import settings as ours

if TYPE_CHECKING:
    from bench.asking import Ask

SIZE = Size(2_000, 100, 400)


def sent(ask: Ask, status: int = 200) -> Any:
    """Return the answer of a server that Django runs."""
    credentials = base64.b64encode(f"{ask.logon}:{PASSWORD}".encode()).decode()
    answer: Any = Client(HTTP_HOST="127.0.0.1").generic(
        ask.method, ask.path, ask.body, "application/json", HTTP_AUTHORIZATION=f"Basic {credentials}"
    )
    assert answer.status_code == status, answer.content
    return json.loads(answer.content) if answer.content else None


def serve_ours(settings: Any) -> None:
    """Let the test client ask our implementation."""
    _serve(settings, "crm.urls", ["security.backends.PlanBackend"], ours.REST_FRAMEWORK)


def serve_stock(settings: Any) -> None:
    """Let the test client ask the stock implementation."""
    _serve(settings, stock.ROOT_URLCONF, stock.AUTHENTICATION_BACKENDS, stock.REST_FRAMEWORK)


def _serve(settings: Any, urls: str, backends: list[str], framework: Any) -> None:
    settings.ROOT_URLCONF, settings.AUTHENTICATION_BACKENDS, settings.REST_FRAMEWORK = urls, backends, framework
