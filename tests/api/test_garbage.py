"""A request leaves nothing behind that waits for the garbage collector: a worker's memory is that of its requests."""

from __future__ import annotations

import gc
import json
from typing import Any

import pytest
from django.test import RequestFactory
from django.test.client import ClientHandler

from tests.api.wire import BASE, basic

application = ClientHandler()  # without Django's client, which ties answers to itself


def sent(method: str, path: str, body: Any) -> int:
    """Send a request and return the status of the answer."""
    data = b"" if body is None else json.dumps(body).encode()
    headers = {"Authorization": basic("susan")}
    asked = RequestFactory().generic(method, f"{BASE}/{path}", data, "application/json", headers=headers)
    return int(application(asked.environ).status_code)


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "company?count=50", None, 200),
        ("GET", "company('2')", None, 200),
        ("HEAD", "company('2')", None, 200),
        ("OPTIONS", "company", None, 204),
        ("GET", "company('2')/person", None, 200),
        ("POST", "company/$query", {"where": "comp_name like 'E%'"}, 200),
        ("POST", "company", {"comp_name": "Let go"}, 201),
        ("PATCH", "company('2')", {"comp_website": "www.let-go.example"}, 200),
        ("POST", "company/$batch", [{"comp_name": f"Let go {n}"} for n in range(20)], 200),
        ("GET", "$prototypes/Company", None, 200),
        ("GET", "company('999999')", None, 404),
        ("GET", "company?where=nothing eq 1", None, 400),
        ("DELETE", "company", None, 405),
    ],
)
def test_an_answer_is_let_go_at_once(method: str, path: str, body: Any, status: int) -> None:
    for _ in range(2):
        assert sent(method, path, body) == status
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        sent(method, path, body)
        gc.collect()
        left = {type(item).__qualname__ for item in gc.garbage}
    finally:
        gc.set_debug(0)
        gc.enable()
        gc.garbage.clear()
    assert left == set()
