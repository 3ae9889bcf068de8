"""A batch answers and stores the same whether its items go together or one after the other (contract.md §13)."""

from __future__ import annotations

import json
import random
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection, transaction

from entities.models import (
    Address,
    AddressLink,
    Case,
    Company,
    Counter,
    Email,
    Note,
    Opportunity,
    Person,
    Phone,
    Product,
    Territory,
    User,
)
from entities.registry import table_name
from security import together, writes
from security.gate import system_rows
from security.models import Change, FieldRule, Profile
from tests.api.wire import Wire, login, statements
from tests.owner import owning

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.api.wire import Answer

FIRST = 5_000_000  # the keys that are given during the test stand above it
MODELS = (Company, Person, Address, AddressLink, Note, Phone, Email, Case, Opportunity, Product)


def company(chance: random.Random) -> dict[str, Any]:
    return {
        "comp_name": chance.choice(["A", "B", "", " padded ", "x" * 61]),
        **some(
            chance, comp_type=["Customer", "customer", "zz"], comp_website=["www.a.com", "a b"], comp_intid=[1, "x"]
        ),
        **some(chance, comp_primaryuserid=[4, 5, 999999], comp_secterr=territories(), comp_intid=[1, "x"]),
        **some(
            chance,
            comp_intforeignid=["E-1"],
            comp_primarypersonid=[2],
            comp_nosuch=[1],
            phone=[[{"phon_number": "1"}], []],
        ),
    }


def person(chance: random.Random) -> dict[str, Any]:
    return {
        "pers_lastname": chance.choice(["Doe", "Roe", None]),
        **some(chance, pers_companyid=[2, 3, 4, 5, 6, 7, 999999], pers_type=[["zz"], []], company=[{"$key": 3}]),
        **some(chance, pers_primaryuserid=[4, 999999], pers_secterr=territories(), pers_updateddate=["2020-01-01"]),
        **some(chance, address=[{"addr_city": "x"}, {}]),
    }


def reach(**fields: list[Any]) -> Any:
    def make(chance: random.Random) -> dict[str, Any]:
        owner: dict[str, list[Any]] = {"EntityId": [5, 13, 99, None], "RecordId": [2, 3, 4, 40, 999999]}
        prefix = next(iter(fields)).partition("_")[0]
        names = {"phon": "PLink_", "emai": "ELink_"}.get(prefix, "")
        spelt = {"EntityId": "Note_ForeignTableId", "RecordId": "Note_ForeignId"}
        return {
            **{name: chance.choice(values) for name, values in fields.items()},
            **{f"{names}{name}" if names else spelt[name]: chance.choice(values) for name, values in owner.items()},
        }

    return make


def case(chance: random.Random) -> dict[str, Any]:
    return {
        "case_description": chance.choice(["It fails", "x" * 300]),
        **some(chance, case_primarycompanyid=[2, 3, 4, 999999], case_primarypersonid=[2, 3, 4, 5, 6, 7]),
        **some(chance, case_opened=["2026-01-01"], case_targetclose=["2025-01-01"], case_secterr=territories()),
        **some(chance, case_status=["Closed"], case_priority=["High", "zz"]),
    }


def opportunity(chance: random.Random) -> dict[str, Any]:
    return {
        "oppo_description": "A sale",
        **some(
            chance, oppo_primarycompanyid=[2, 3, 4], oppo_primarypersonid=[2, 3, 4, 5], oppo_forecast=[10, "1.5", "x"]
        ),
        **some(chance, oppo_certainty=[50, 101], oppo_scrmoriginaloppoid=[2, 999999], oppo_secterr=territories()),
    }


def product(chance: random.Random) -> dict[str, Any]:
    return {"prod_name": chance.choice(["Screw", ""]), **some(chance, prod_code=["S-1"], prod_nosuch=[1])}


def some(chance: random.Random, **choices: list[Any]) -> dict[str, Any]:
    """Return some members, each now and then."""
    return {name: chance.choice(values) for name, values in choices.items() if chance.random() < 0.3}


def territories() -> list[int]:
    keys = system_rows(Territory).order_by("pk").values_list("pk", flat=True)
    return [*keys[:6], 5]


KINDS: dict[str, Any] = {
    "company": company,
    "person": person,
    "notes": reach(note_note=["text", "", "x" * 50]),
    "phone": reach(phon_number=["1", "", "x" * 30]),
    "email": reach(emai_emailaddress=["a@example.com", "nobody", ""]),
    "cases": case,
    "opportunity": opportunity,
    "newproduct": product,
}
ODD: tuple[Any, ...] = ("x", None, [], {"$httpMethod": 5}, {"$httpMethod": "DELETE", "$key": 999999})


@contextmanager
def undone() -> Iterator[None]:
    """Undo what the block stores; keys are given from the same one on each time."""
    with owning(), connection.cursor() as cursor:
        for model in MODELS:
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('public.{table_name(model)}', 'id'), {FIRST})")
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def sequences() -> Iterator[None]:
    """Put the sequences back to where the stored keys end."""
    yield
    with owning(), connection.cursor() as cursor:
        for model in MODELS:
            name = f"public.{table_name(model)}"
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))")


def plain(value: Any) -> Any:
    """Return what was answered or stored with its new keys numbered, without tags, which are made of keys."""
    text = re.sub(r'"\$etag": "[^"]*"', '"$etag": ""', json.dumps(value, default=str))
    keys = sorted({int(key) for key in re.findall(r"\b5000\d\d\d\b", text)})
    return json.loads(re.sub(r"\b5000\d\d\d\b", lambda found: str(-1 - keys.index(int(found[0]))), text))


def stored() -> list[Any]:
    """Return all rows that a batch may have written."""
    return [
        *(list(model._default_manager.order_by("pk").values()) for model in MODELS),
        list(Counter.objects.order_by("pk").values()),
        sorted(Change.objects.values_list("kind", "key", "action", "fields", "user_id", "at"), key=repr),
    ]


def outcome(wire: Wire, kind: str, body: Any, **parameters: Any) -> tuple[Any, Any]:
    """Return the answer to a batch and what it stored; then all is as it was."""
    with undone():
        answer: Answer = wire.post(f"{kind}/$batch", body, headers={"X-Request-Id": "same"}, **parameters)
        return plain([answer.status, answer.json]), plain(stored())


def one_by_one(wire: Wire, kind: str, body: Any, **parameters: Any) -> tuple[Any, Any]:
    """Return the same of a batch whose items go one after the other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.together.kind_together", lambda entity: False)
        return outcome(wire, kind, body, **parameters)


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let both be written at the same time."""
    now = writes.present()
    monkeypatch.setattr(writes, "present", lambda: now)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("logon", ["susan", "admin", "olivia"])
def test_78_a_batch_is_what_its_items_are_alone(logon: str, kind: str, seed: int) -> None:
    chance = random.Random(f"{logon} {kind} {seed}")
    wire = login(logon)
    if seed == 1:  # little may be written, and not everything is known
        Profile.objects.get(group__name="Sales").rights.exclude(scope__in=("home", "created_by")).delete()
        FieldRule.objects.create(entity="Company", field="Comp_WebSite", read=False)
        FieldRule.objects.create(entity="Person", field="Pers_CompanyId", read=False)
    items = [KINDS[kind](chance) if chance.random() < 0.95 else chance.choice(ODD) for _ in range(30)]
    for body in (items, {"$resources": items}):
        together_ = outcome(wire, kind, body)
        assert together_ == one_by_one(wire, kind, body)
    whole = [item for item in items if isinstance(item, dict)][:3]
    assert outcome(wire, kind, whole, atomic="true") == one_by_one(wire, kind, whole, atomic="true")


@pytest.mark.parametrize("kind", ["company", "person", "notes", "phone", "email", "cases", "opportunity"])
def test_78_some_of_these_batches_store_something_and_refuse_something(susan: Wire, kind: str) -> None:
    """The test above can fail."""
    chance = random.Random(kind)
    (_, answers), _ = outcome(susan, kind, [KINDS[kind](chance) for _ in range(60)])
    assert {item["$httpStatus"] for item in answers} >= {200, 400}


def test_78_each_item_sees_what_earlier_ones_did(susan: Wire) -> None:
    body = {
        "$resources": [
            {"comp_name": "First", "comp_intforeignid": "X-1"},
            {"comp_name": "Second", "comp_intforeignid": "X-1"},
            {"$httpMethod": "PATCH", "$url": "company(comp_name eq 'First')", "comp_name": "Renamed"},
            {"$httpMethod": "PUT", "$url": "company(comp_intforeignid eq 'X-2')", "comp_name": "Third"},
            {"comp_name": "Fourth", "comp_intforeignid": "X-2"},
            {"comp_name": "Fifth"},
            {"$httpMethod": "PUT", "$url": "company(comp_intforeignid eq 'X-2')", "comp_name": "Two of them"},
            {"$httpMethod": "DELETE", "$url": "company(comp_name eq 'Fifth')"},
            {"$httpMethod": "GET", "$url": "company(comp_name eq 'Renamed')"},
        ]
    }
    (_, answer), _ = found = outcome(susan, "company", body)
    assert [item["$httpStatus"] for item in answer["$resources"]] == [201, 201, 200, 201, 201, 201, 400, 204, 200]
    assert answer["$resources"][0]["Comp_Name"] == "First"
    assert found == one_by_one(susan, "company", body)


def test_78_the_first_person_of_a_company_is_its_primary_one(susan: Wire) -> None:
    made = [susan.post("company", {"comp_name": name}).json["$key"] for name in ("A", "B")]
    body = [{"pers_lastname": f"P{number}", "pers_companyid": made[number % 2]} for number in range(6)]
    found = outcome(susan, "person", body)
    assert found == one_by_one(susan, "person", body)
    answer = susan.post("person/$batch", body).json
    for number, key in enumerate(made):
        assert susan.entry(f"company('{key}')")["Comp_PrimaryPersonId"] == answer[number]["$key"]


def test_78_an_item_that_refers_to_an_earlier_one_finds_it(admin: Wire) -> None:
    body = [
        {"oppo_description": "First"},
        {"oppo_description": "Of the first", "oppo_scrmoriginaloppoid": FIRST + 1},
        {"oppo_description": "Of nothing", "oppo_scrmoriginaloppoid": FIRST + 9},
    ]
    (_, answer), _ = found = outcome(admin, "opportunity", body)
    assert [item["$httpStatus"] for item in answer] == [200, 200, 400]
    assert found == one_by_one(admin, "opportunity", body)


def test_78_what_the_database_refuses_is_refused_alone(susan: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    with owning(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE public.entities_company ADD CONSTRAINT no_b CHECK (name <> 'B')")
    body = [{"comp_name": name} for name in "ABACAABA"]
    (_, answer), _ = found = outcome(susan, "company", body)
    assert [item["$httpStatus"] for item in answer] == [200, 400, 200, 200, 200, 200, 400, 200]
    assert found == one_by_one(susan, "company", body)


def test_78_a_user_who_is_gone_meanwhile_writes_nothing(susan: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    create_all = together.create_all

    def delete_first(*given: Any) -> Any:
        system_rows(User).filter(logon="susan").update(deleted_at=writes.present())
        return create_all(*given)

    monkeypatch.setattr("api.together.create_all", delete_first)
    answer = susan.post("company/$batch", [{"comp_name": "Of nobody"}] * 3)
    assert [item["$httpStatus"] for item in answer.json] == [401] * 3
    assert not system_rows(Company).filter(name="Of nobody").exists()


@pytest.mark.parametrize("kind", [*KINDS])
def test_78_the_number_of_statements_does_not_grow_with_the_items(admin: Wire, kind: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "company": {"comp_name": "A", "comp_primaryuserid": 4},
        "person": {"pers_lastname": "A", "pers_companyid": 2},
        "notes": {"note_note": "A", "note_foreigntableid": 5, "note_foreignid": 2},
        "phone": {"phon_number": "1", "plink_entityid": 5, "plink_recordid": 2},
        "email": {"emai_emailaddress": "a@example.com", "elink_entityid": 5, "elink_recordid": 2},
        "cases": {"case_description": "A", "case_primarypersonid": 2},
        "opportunity": {"oppo_description": "A", "oppo_primarypersonid": 2},
        "newproduct": {"prod_name": "A", "prod_code": "A-1"},
    }
    body = bodies[kind]

    def cost(count: int, **more: Any) -> int:
        with statements() as sent:
            answer = admin.post(f"{kind}/$batch", [{**body, **more}] * count)
        assert {item["$httpStatus"] for item in answer.json} == ({400} if more else {200}), answer.json[0]
        return len(sent)

    cost(2)
    assert cost(10) == cost(100) <= 14
    assert cost(10, zzz=1) == cost(100, zzz=1) <= cost(10)
