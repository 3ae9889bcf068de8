"""Every refusal is told in one form (contract.md §19)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from entities.models import Company, Quote
from security.gate import system_rows
from tests.api.wire import Wire, at, login

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.wire import Answer

COMPANY = at("Company", 2)
SEVERITIES = {"warning", "transient", "error", "fatal"}

STRICT = {"Prefer": "handling=strict"}
CONFLICT = {"pers_lastname": "x", "pers_companyid": 10}


def _stranger(wire: Wire) -> int:
    """Return a person of another company."""
    return wire.keys("person", where="pers_companyid ne 2 and pers_companyid ne null", count=1)[0]


def _foreign(wire: Wire) -> str:
    """Return a company that is the caller's by its territory alone."""
    key = wire.keys("company", where="comp_createdby ne 4", count=1)[0]
    system_rows(Company).filter(pk=key).update(team=None, territory=2, primary_user=None)
    return at("Company", key)


def _abroad(wire: Wire) -> int:
    return wire.keys("territories", where="terr_caption eq 'Germany'")[0]


def _line_of_a_converted_quote(wire: Wire) -> str:
    line = next(e for e in wire.entry("quoteitems", count=1000)["$resources"] if "$delete" in e["$links"])
    system_rows(Quote).filter(pk=line["QuIt_OrderQuoteId"]).update(status="Converted")
    return at("QuoteItems", line["$key"])


REFUSALS: dict[str, tuple[int, Callable[[Wire], Answer]]] = {
    "ApplicationNotFound": (404, lambda wire: wire.get("/sdata/otherj/sagecrm2/-/company")),
    "ContractNotFound": (404, lambda wire: wire.get("/sdata/crmj/sagecrm9/-/company")),
    "DatasetNotFound": (404, lambda wire: wire.get("/sdata/crmj/sagecrm2/prod/company")),
    "BadHost": (400, lambda wire: wire.get("", headers={"Host": "evil"})),
    "BadSelector": (400, lambda wire: wire.get("company()")),
    "SelectorNotUnique": (400, lambda wire: wire.get("company(1=1)")),
    "UnknownParameter": (400, lambda wire: wire.get("?x=1")),
    "RepeatedParameter": (400, lambda wire: wire.get("company?count=1&count=1")),
    "LimitExceeded": (400, lambda wire: wire.get(f"company?where={'(' * 21}1=1{')' * 21}")),
    "BadParameterValue": (400, lambda wire: wire.get("company?count=x")),
    "NotSortable": (400, lambda wire: wire.get("person?orderBy=pers_type")),
    "CursorInvalid": (400, lambda wire: wire.get("company?after=x")),
    "WhereSyntax": (400, lambda wire: wire.get("company?where=(")),
    "UnknownName": (400, lambda wire: wire.get("company?where=x eq 1")),
    "TypeMismatch": (400, lambda wire: wire.get("company?where=comp_name")),
    "BadJson": (400, lambda wire: wire.post("company", b"{")),
    "DuplicateMember": (400, lambda wire: wire.post("company", b'{"a": 1, "A": 2}')),
    "UnknownMember": (400, lambda wire: wire.patch(COMPANY, {"comp_nosuch": 1})),
    "WrongType": (400, lambda wire: wire.patch(COMPANY, {"comp_name": 1})),
    "TooLong": (400, lambda wire: wire.patch(COMPANY, {"comp_name": "x" * 61})),
    "NotAChoice": (400, lambda wire: wire.patch(COMPANY, {"comp_type": "nosuch"})),
    "ReadOnly": (400, lambda wire: wire.patch(COMPANY, {"comp_createdby": 1}, headers=STRICT)),
    "BadReference": (400, lambda wire: wire.patch(COMPANY, {"comp_primarypersonid": 999999})),
    "ConflictingMembers": (400, lambda wire: wire.post("company('2')/person", CONFLICT)),
    "BusinessRule": (400, lambda wire: wire.patch(COMPANY, {"comp_primarypersonid": _stranger(wire)})),
    "Required": (400, lambda wire: wire.post("company", {})),
    "CrossOrigin": (403, lambda wire: wire.post("company", {}, headers={"Origin": "http://evil"})),
    "NotPermitted": (403, lambda wire: wire.post("newproduct", {})),
    "OutsideYourRights": (
        403,
        lambda wire: wire.patch(_foreign(wire), {"comp_secterr": _abroad(wire)}),
    ),
    "NotAuthenticated": (401, lambda wire: Wire().get("")),
    "UnknownPath": (404, lambda wire: wire.get("nosuch")),
    "RecordNotFound": (404, lambda wire: wire.get("company('999999999')")),
    "MethodNotAllowed": (405, lambda wire: wire.put("company", {})),
    "InUse": (409, lambda _: login("admin").delete("newproduct('1')")),
    "TransitionNotAllowed": (409, lambda wire: wire.delete(_line_of_a_converted_quote(wire))),
    "PreconditionFailed": (412, lambda wire: wire.put(COMPANY, {}, headers={"If-Match": "x"})),
    "BodyTooLarge": (413, lambda wire: wire.put(COMPANY, b" " * 1024 * 1025)),
    "UrlTooLong": (414, lambda wire: wire.get("company?_t=" + "x" * 8000)),
    "UnsupportedMediaType": (415, lambda wire: wire.put(COMPANY, b"x", content_type="text/plain")),
}


@pytest.mark.parametrize("code", list(REFUSALS))
def test_88_every_refusal_has_one_form(susan: Wire, code: str) -> None:
    status, send = REFUSALS[code]
    answer = send(susan)
    told = answer.diagnoses[0]
    assert (answer.status, code in (told["$applicationCode"], told["$sdataCode"])) == (status, True)
    assert answer.headers["Content-Type"] == "application/json"
    assert set(answer.json) == {"$diagnoses"}
    for told in answer.diagnoses:
        assert set(told) >= {"$severity", "$sdataCode", "$applicationCode", "$message"}
        assert set(told) <= {"$severity", "$sdataCode", "$applicationCode", "$message", "$payloadPath"}
        assert told["$severity"] in SEVERITIES
        assert all(told.values())
