"""Every refusal is told in one form (contract.md §19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
