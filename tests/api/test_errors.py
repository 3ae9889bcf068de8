"""Every refusal is told in one form, and a failure of the server tells nothing (contract.md §19)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.db.utils import DatabaseError

from entities.models import Company
from entities.rules.circumstances import RuleViolation
from security import gate, writes
from security.errors import Invalid
from security.gate import system_rows
from tests.api.wire import Wire, at

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.wire import Answer

COMPANY = at("Company", 2)
SEVERITIES = {"warning", "transient", "error", "fatal"}

REFUSALS: dict[str, tuple[int, Callable[[Wire], Answer]]] = {
    "BadHost": (400, lambda wire: wire.get("", headers={"Host": "evil"})),
    "BadSelector": (400, lambda wire: wire.get("company()")),
    "SelectorNotUnique": (400, lambda wire: wire.get("company(1=1)")),
    "UnknownParameter": (400, lambda wire: wire.get("?x=1")),
    "BadParameterValue": (400, lambda wire: wire.get("company?count=x")),
    "NotSortable": (400, lambda wire: wire.get("person?orderBy=pers_type")),
    "CursorInvalid": (400, lambda wire: wire.get("company?after=x")),
    "WhereSyntax": (400, lambda wire: wire.get("company?where=(")),
    "UnknownName": (400, lambda wire: wire.get("company?where=x eq 1")),
    "TypeMismatch": (400, lambda wire: wire.get("company?where=comp_name")),
    "BadJson": (400, lambda wire: wire.post("company", b"{")),
    "Required": (400, lambda wire: wire.post("company", {})),
    "CrossOrigin": (403, lambda wire: wire.post("company", {}, headers={"Origin": "http://evil"})),
    "NotPermitted": (403, lambda wire: wire.post("newproduct", {})),
    "NotAuthenticated": (401, lambda wire: Wire().get("")),
    "UnknownPath": (404, lambda wire: wire.get("nosuch")),
    "RecordNotFound": (404, lambda wire: wire.get("company('999999999')")),
    "MethodNotAllowed": (405, lambda wire: wire.put("company", {})),
    "PreconditionFailed": (412, lambda wire: wire.put(COMPANY, {}, headers={"If-Match": "x"})),
    "BodyTooLarge": (413, lambda wire: wire.put(COMPANY, b" " * 1024 * 1025)),
    "UrlTooLong": (414, lambda wire: wire.get("company?_t=" + "x" * 8000)),
    "UnsupportedMediaType": (415, lambda wire: wire.put(COMPANY, b"x", content_type="text/plain")),
}


@pytest.mark.parametrize("code", list(REFUSALS))
def test_88_every_refusal_has_one_form(susan: Wire, code: str) -> None:
    status, send = REFUSALS[code]
    answer = send(susan)
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json) == {"$diagnoses"}
    for told in answer.diagnoses:
        assert set(told) >= {"$severity", "$sdataCode", "$applicationCode", "$message"}
        assert set(told) <= {"$severity", "$sdataCode", "$applicationCode", "$message", "$payloadPath"}
        assert told["$severity"] in SEVERITIES
        assert all(told.values())


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

    monkeypatch.setattr("api.renderers.orjson.dumps", fail)
    answer = susan.get(COMPANY, headers={"X-Request-Id": "request-1234"})
    assert answer.status == 500
    assert SECRET.encode() not in answer.body
    assert answer.code == "InternalError"
    assert "request-1234" in answer.diagnoses[0]["$message"]


def test_89_a_failed_write_stores_nothing(susan: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError(SECRET)

    monkeypatch.setattr(writes, "_remember", fail)
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

    monkeypatch.setattr(gate, "rows", fail)
    answer = susan.patch(COMPANY, {"comp_name": "x"})
    assert answer.refusal == (503, "ApplicationUnavailable", code)
    assert answer.headers["Retry-After"]
    assert SECRET.encode() not in answer.body
    assert len(attempts) == (3 if state.startswith("40") else 1)


def test_what_a_rule_says_of_a_hidden_field_names_no_field(olivia: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise Invalid([("revenue", "BusinessRule", "Revenue is too small."), ("name", "BusinessRule", "Bad name.")])

    monkeypatch.setattr(writes, "update", refuse)
    answer = olivia.patch(COMPANY, {"comp_intid": 5})
    assert answer.status == 400
    assert b"evenue" not in answer.body
    assert answer.diagnoses[1]["$payloadPath"] == "Comp_Name"


def test_a_rule_that_refuses_changes_nothing(susan: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise RuleViolation("It does not fit.", "name")

    monkeypatch.setattr("entities.rules.settle", refuse)
    before = susan.get(COMPANY).body
    answer = susan.patch(COMPANY, {"comp_name": "Other"})
    assert answer.refusal == (400, "ApplicationDiagnosis", "BusinessRule")
    assert susan.get(COMPANY).body == before
