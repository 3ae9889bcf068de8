"""Two worlds that differ only in what olivia cannot see give her the same bytes (contract.md §23, number 57).

The second world is the first one changed in place: hidden columns, invisible records, new invisible records. Clock,
random bytes, request ids and key sequences are held still.
"""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction

from entities.models import AddressLink, Case, Company, Opportunity, Person, Phone, Quote
from entities.registry import registry
from security.gate import system_rows
from tests.api.twins import FOREVER_UNUSED, hidden_names, keys, kinds
from tests.api.wire import at, login

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.wire import Wire

DEEP = os.environ.get("PARAPET_DEEP", "") == "1"
NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
Request = tuple[str, str, Any, dict[str, str]]


@pytest.fixture
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hold clock, random bytes and request ids still."""
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)
    monkeypatch.setattr("api.pagination.os.urandom", lambda count: b"7" * count)
    monkeypatch.setattr("api.pagination.time.time", lambda: NOW.timestamp())


def reads(wire: Wire) -> Iterator[Request]:
    """Yield reads over every parameter, of every kind."""
    for path in ("", "$whoami", "$prototypes", "$openapi"):
        yield "GET", path, None, {}
    for kind in kinds("olivia"):
        entity = registry()[kind]
        shown = [field for field in entity.fields if field.wire not in hidden_names("olivia", kind)]
        secret = next((name for name in hidden_names("olivia", kind) if "Collection" not in name), "Zzzz_Nosuch")
        yield "GET", f"$prototypes/{kind}", None, {}
        for query in ("", "?count=3", "?count=0", "?count=2&startIndex=2&totals=none", "?labels=true&count=4"):
            yield "GET", f"{kind}{query}", None, {}
        for number, field in enumerate(shown):
            if field.sortable and number % 3 == 0:
                yield "GET", f"{kind}?count=4&orderBy={field.wire}{' desc' if number % 2 else ''}", None, {}
            test = ("eq null", "ne null", "gt '5'", "in (1,'2',null)", "like '%a%'", "lt @2026-01-01@")[number % 6]
            if number % 4 == 1:
                yield "GET", f"{kind}?where={field.wire} {test}&count=9", None, {}
                yield "GET", f"{kind}?where=not ({field.wire} {test})&count=0", None, {}
        for field in [f for f in entity.relations.values() if f in shown][:4]:
            through = registry()[field.target].key.wire
            yield "GET", f"{kind}?include={field.relation}&count=5", None, {}
            yield "GET", f"{kind}?where={field.relation}.{through} gt 0&orderBy={field.relation}.{through}", None, {}
        for parameter in ("where", "orderBy", "select", "include"):
            yield "GET", f"{kind}?{parameter}={secret}", None, {}
        every = keys("admin", kind)
        for key in (*keys("olivia", kind)[:2], *(k for k in every if k not in keys("olivia", kind))):
            if key in every[:40]:
                yield "GET", at(kind, key), None, {"If-None-Match": "*"}
                yield "GET", f"{at(kind, key)}?select=*,$etag,$links", None, {}
        for item in entity.collections:
            for key in keys("olivia", kind)[:2]:
                yield "GET", f"{at(kind, key)}/{item.kind}?count=3", None, {}
                yield "GET", f"{at(kind, key)}?include={item.name}", None, {}


def writes(wire: Wire) -> Iterator[Request]:
    """Yield writes, right and wrong ones."""
    bodies: dict[str, dict[str, Any]] = {
        "Company": {"comp_name": "New"},
        "Person": {"pers_lastname": "New"},
        "Opportunity": {"oppo_description": "New"},
        "Cases": {"case_description": "New"},
    }
    for kind, body in bodies.items():
        mine, every = keys("olivia", kind), keys("admin", kind)
        yield "POST", kind, body, {}
        yield "POST", kind, body | dict.fromkeys(hidden_names("olivia", kind)[:2], 1), {}
        for key in (*mine[:4], *[k for k in every if k not in mine][:3], FOREVER_UNUSED):
            yield "PATCH", at(kind, key), body, {}
            yield "PUT", at(kind, key), {"zzz": 1}, {}
            yield "PATCH", at(kind, key), body, {"If-Match": '"old"'}
            yield "DELETE", at(kind, key), None, {}
        for field in registry()[kind].relations.values():
            hidden = [k for k in keys("admin", field.target) if k not in keys("olivia", field.target)]
            if hidden and field.wire not in hidden_names("olivia", kind) and mine:
                yield "PATCH", at(kind, mine[0]), {field.wire: hidden[0]}, {}


def played(wire: Wire, requests: list[Request]) -> list[tuple[Any, ...]]:
    """Send the requests, each from the same keys on; return all that is told."""
    with connection.cursor() as cursor:
        for entity in registry():
            table = entity.model._meta.db_table
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            ((sequence,),) = cursor.fetchall()
            if sequence:
                cursor.execute("SELECT setval(%s, 50000)", [sequence])
    found = []
    for method, path, body, headers in requests:
        with transaction.atomic():
            answer = wire.send(method, path, body, headers=headers | {"X-Request-Id": "still"})
            found.append((method, path, answer.status, dict(answer.headers), answer.body))
            transaction.set_rollback(True)
    return found


def change_what_is_hidden() -> None:
    """Change hidden columns of what olivia sees, and everything else that she does not see."""
    mine = {kind: keys("olivia", kind) for kind in kinds("olivia")}
    companies = system_rows(Company)
    companies.filter(pk__in=mine["Company"]).update(revenue="100M+", employees="501+")
    others = companies.exclude(pk__in=mine["Company"])
    others.update(name="Aaaa", status="Closed", web_site="zz.example", updated_at=NOW, opt_out=True)
    gone = list(others.values_list("pk", flat=True))[::3]
    companies.filter(pk__in=gone).update(deleted_at=NOW)
    opportunities = system_rows(Opportunity)
    opportunities.filter(pk__in=mine["Opportunity"]).update(forecast=1, certainty=7, forecast_currency=None)
    opportunities.exclude(pk__in=mine["Opportunity"]).update(description="Aaaa", status="Won", stage="Lead")
    people = system_rows(Person).exclude(pk__in=mine["Person"])
    people.update(last_name="Aaaa", first_name="Aaaa", company=mine["Company"][0], primary_user=1)
    system_rows(Case).exclude(pk__in=mine["Cases"]).update(description="Aaaa", primary_company=mine["Company"][0])
    system_rows(Quote).exclude(pk__in=mine["Quotes"]).update(description="Aaaa")
    system_rows(Phone).exclude(pk__in=mine["Phone"]).update(number="000", full_number="000")
    system_rows(AddressLink).exclude(pk__in=mine["Address_Link"]).update(type="Shipping")
    for key in range(900_001, 900_020):
        Person(id=key, last_name="Newcomer", company_id=mine["Company"][0], created_by_id=1, primary_user_id=1).save()
        Company(id=key, name="Newcomer", created_by_id=1, primary_user_id=1).save()


def test_57_two_worlds_that_differ_in_what_is_hidden_answer_alike(still: None) -> None:
    wire = login("olivia")
    requests = [*list(reads(wire))[:: 1 if DEEP else 4], *writes(wire)]
    assert len(requests) > 300
    wire.get("$whoami")
    before = played(wire, requests)
    statuses = {status for _, _, status, _, _ in before}
    assert {200, 201, 304, 400, 403, 404, 412} <= statuses
    change_what_is_hidden()
    for one, other in zip(before, played(wire, requests), strict=True):
        assert one == other, one[:3]


def test_57_what_is_seen_makes_a_difference(still: None) -> None:
    """The test above can fail: a change of what olivia sees changes answers, and the administrator sees the rest."""
    wire, admin = login("olivia"), login("admin")
    requests: list[Request] = [("GET", kind, None, {}) for kind in ("company", "person", "cases", "opportunity")]
    for client, change in ((admin, change_what_is_hidden), (wire, change_what_is_seen)):
        client.get("$whoami")
        before = played(client, requests)
        change()
        after = played(client, requests)
        assert [a[1] for a, b in zip(before, after, strict=True) if a != b] == [path for _, path, _, _ in requests]
    assert re.search(rb"Seen", played(wire, requests)[0][4])


def change_what_is_seen() -> None:
    for kind, name in (
        ("Company", "name"),
        ("Person", "last_name"),
        ("Cases", "description"),
        ("Opportunity", "description"),
    ):
        system_rows(registry()[kind].model).filter(pk__in=keys("olivia", kind)).update(**{name: "Seen"})
