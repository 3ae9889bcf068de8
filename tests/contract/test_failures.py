"""A failure of the server tells nothing and stores nothing (contract.md §19)."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.utils import DatabaseError

from entities.models import Company
from security import gate
from security.gate import system_rows
from tests.api.wire import Wire, at

COMPANY = at("Company", 2)
SECRET = "secret_column of entities_company"
FAILURES: dict[str, Exception] = {
    "a bug": ZeroDivisionError(SECRET),
    "a database error": DatabaseError(SECRET),
    "a key error": KeyError(SECRET),
    "recursion": RecursionError(SECRET),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=list(FAILURES))
def test_89_a_failure_tells_the_request_id_and_nothing_else(
    susan: Wire, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise failure

    monkeypatch.setattr(gate, "rows", fail)
    answer = susan.get(COMPANY, headers={"X-Request-Id": "request-1234"})
    assert answer.status == 500
    assert answer.json == {
        "$diagnoses": [
            {
                "$severity": "fatal",
                "$sdataCode": "ApplicationDiagnosis",
                "$applicationCode": "InternalError",
                "$message": "Something went wrong on the server. Ask the administrator about request-1234.",
            }
        ]
    }
    assert SECRET not in str(answer.headers)
    assert answer.headers["X-Request-Id"] == "request-1234"
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_89_a_failure_while_an_answer_is_written_tells_nothing_either(
    susan: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError(SECRET)

    monkeypatch.setattr("api.renderers.written", fail)
    answer = susan.get(COMPANY, headers={"X-Request-Id": "request-1234"})
    assert answer.status == 500
    assert SECRET.encode() not in answer.body
    assert answer.code == "InternalError"
    assert "request-1234" in answer.diagnoses[0]["$message"]


def test_89_a_failed_write_stores_nothing(susan: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr("entities.rules.settle", fail)
    before = susan.get(COMPANY).body
    assert susan.patch(COMPANY, {"comp_name": "Half"}).status == 500
    assert susan.post("company", {"comp_name": "Half"}).status == 500
    assert susan.get(COMPANY).body == before
    assert not system_rows(Company).filter(name="Half").exists()


def test_90_a_statement_beyond_the_time_limit_is_503(admin: Wire) -> None:
    slow = " or ".join(["length(lpad(comp_name, 1000, concat(comp_name, comp_website))) lt 0"] * 30)
    assert admin.get("company", where=slow, count=1).status == 200
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 1")
    answer = admin.get("company", where=slow)
    assert answer.refusal == (503, "ApplicationUnavailable", "QueryTimeout")
    assert answer.diagnoses[0]["$severity"] == "transient"
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("state", "code"),
    [("57014", "QueryTimeout"), ("40P01", "Unavailable"), ("40001", "Unavailable"), ("08006", "Unavailable")],
)
def test_90_a_database_that_cannot_answer_is_503(
    susan: Wire, monkeypatch: pytest.MonkeyPatch, state: str, code: str
) -> None:
    class Gone(psycopg.OperationalError):
        sqlstate = state

    attempts = []

    def fail(*_: Any, **__: Any) -> Any:
        attempts.append(1)
        raise OperationalError(SECRET) from Gone(SECRET)

    monkeypatch.setattr(gate, "locked", fail)
    answer = susan.patch(COMPANY, {"comp_name": "x"})
    assert answer.refusal == (503, "ApplicationUnavailable", code)
    assert answer.headers["Retry-After"]
    assert SECRET.encode() not in answer.body
    assert len(attempts) == (3 if state.startswith("40") else 1)
