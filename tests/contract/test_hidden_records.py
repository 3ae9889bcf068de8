"""An invisible record answers like one that never existed, in every channel (contract.md §10, security.md §6)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from entities.models import Company, Person, Phone
from entities.registry import ByOwner, registry
from security.gate import system_rows
from tests.api.twins import FOREVER_UNUSED, editable, invisible_key, keys, kinds, names, told
from tests.api.wire import at, login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entities.registry import Field
    from tests.api.wire import Answer, Wire

CALLERS = [
    *(("olivia", entity.kind) for entity in registry() if not (entity.reference_kind or entity.base == "Pricing")),
    *(("susan", kind) for kind in ("Company", "Person", "Quotes", "QuoteItems", "Address")),
    *(("peter", kind) for kind in ("Opportunity", "QuoteItems")),
    *(("nora", kind) for kind in ("Company", "Phone", "Users")),
]


def requests(wire: Wire, kind: str, key: int) -> Iterator[Callable[[], Answer]]:
    """Yield a request for every way to address the record ``key``."""
    entity, here = registry()[kind], at(kind, key)
    plain = [here, f"{kind}({key})", f'{kind}("{key}")', f"{kind}({entity.key.wire} eq {key})"]
    plain += [
        f"{kind}($key = {key} and 1=1)",
        f"{here}?select=$key",
        f"{here}?include=createdby",
        f"{here}?labels=true",
    ]
    for path in plain:
        yield partial(wire.get, path)
    yield partial(wire.head, here)
    for body in (b"", b"{}", b"[", b'{"zzz": 1}', b'{"$key": 1}'):
        yield partial(wire.put, here, body)
    yield partial(wire.patch, here, b"{}")
    yield partial(wire.patch, f"{kind}({entity.key.wire} eq {key})", b"{}")
    yield partial(wire.delete, here)
    yield partial(wire.delete, f"{kind}({entity.key.wire} eq {key})")
    yield partial(wire.post, here, b"{}")
    yield partial(wire.options, here)
    for condition in ("*", '"x"'):
        yield partial(wire.get, here, headers={"If-None-Match": condition})
        yield partial(wire.put, here, b"{}", headers={"If-Match": condition})
        yield partial(wire.delete, here, headers={"If-Match": condition})
    yield partial(wire.put, here, b"x", content_type="text/plain")
    yield partial(wire.get, f"{here}?foo=1")
    for relation in sorted({item.kind for item in entity.collections} | set(entity.relations)):
        there = f"{here}/{relation}"
        yield partial(wire.get, there)
        yield partial(wire.get, f"{there}('1')")
        yield partial(wire.post, there, b"{}")
        yield partial(wire.patch, f"{there}('1')", b"{}")
        yield partial(wire.delete, f"{there}('1')")


@pytest.mark.parametrize(("logon", "kind"), CALLERS)
def test_56_an_invisible_key_answers_like_an_unused_one(logon: str, kind: str) -> None:
    wire, key = login(logon), invisible_key(logon, kind)
    assert key is not None
    wire.get("$whoami")  # compiles the plan, which costs statements of its own
    for number, (secret, nothing) in enumerate(
        zip(requests(wire, kind, key), requests(wire, kind, FOREVER_UNUSED), strict=True)
    ):
        assert told(secret) == told(nothing), number


@pytest.mark.parametrize(("kind", "collection"), [("Company", "Person"), ("Company", "Quotes"), ("Company", "Cases")])
def test_56_an_invisible_member_of_a_visible_parent_answers_like_an_unused_one(
    admin: Wire, olivia: Wire, kind: str, collection: str
) -> None:
    parent = registry()[kind]
    by = next(field.wire for field in registry()[collection].fields if field.target == kind)
    hidden = [entry for entry in admin.entry(collection, count=1000)["$resources"] if entry[by] in keys("olivia", kind)]
    entry = next(entry for entry in hidden if entry["$key"] not in keys("olivia", collection))
    there = f"{at(parent.kind, entry[by])}/{collection}"
    assert entry["$key"] not in olivia.keys(there, count=1000)
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "POST"):
        secret = told(partial(olivia.send, method, f"{there}('{entry['$key']}')", b"{}"))
        assert secret == told(partial(olivia.send, method, f"{there}('{FOREVER_UNUSED}')", b"{}"))


@pytest.mark.parametrize("kind", [entity.kind for entity in registry() if not entity.reference_kind])
@pytest.mark.parametrize("logon", ["susan", "olivia"])
def test_68_a_reference_to_an_invisible_record_is_one_to_a_missing_record(logon: str, kind: str) -> None:
    wire = login(logon)
    entry = editable(wire, kind) if kind in kinds(logon) else None
    for field in registry()[kind].fields if entry else ():
        key = invisible_key(logon, field.target) if field.target and not field.system else None
        if key is None or entry is None or field.wire not in entry:
            continue
        for name in {field.wire, field.relation} - {""}:

            def body(key: int, name: str = name, wire_name: str = field.wire) -> dict[str, Any]:
                return {name: key if name == wire_name else {"$key": key}}

            for send in (partial(wire.patch, at(kind, entry["$key"])), partial(wire.post, kind)):
                secret = told(partial(send, body(key)), f": {key} is")
                assert secret == told(partial(send, body(FOREVER_UNUSED)), f": {FOREVER_UNUSED} is"), name
                assert secret.status in (400, 403)


@pytest.mark.parametrize("kind", [e.kind for e in registry() if any(isinstance(p, ByOwner) for p in e.parents)])
@pytest.mark.parametrize("owner", ["Company", "Person"])
def test_68_an_invisible_owner_is_a_missing_owner(olivia: Wire, kind: str, owner: str) -> None:
    entity, owned = registry()[kind], registry()[owner]
    table, record = (entity.by_name[name].wire for name in ("owner_table", "owner_id"))
    value = {"Emai_EmailAddress": "a@example.com"} if "Email" in kind else {"Phon_Number": "1"}
    key = invisible_key("olivia", owner)
    assert key is not None

    def body(key: int) -> dict[str, Any]:
        return {table: owned.table_id, record: key, **value}

    assert told(partial(olivia.post, kind, body(key))) == told(partial(olivia.post, kind, body(FOREVER_UNUSED)))


def lost_references(logon: str, kind: str) -> Iterator[tuple[Field, int, int]]:
    """Yield (field, key, stored value): references of visible records to invisible ones, one for each field."""
    for field in registry()[kind].relations.values():
        if field.target in kinds(logon) and field.wire in names(logon, kind):
            stored = login("admin").entry(kind, count=1000, where=f"{field.wire} ne null")["$resources"]
            seen = [entry for entry in stored if entry["$key"] in keys(logon, kind)]
            lost = [entry for entry in seen if entry[field.wire] not in keys(logon, field.target)]
            for entry in lost[:1]:
                yield field, entry["$key"], entry[field.wire]


@pytest.mark.parametrize("kind", ["Company", "Person", "Cases", "Opportunity", "Quotes", "Address_Link"])
def test_54_37_a_reference_to_an_invisible_record_looks_empty(olivia: Wire, kind: str) -> None:
    for field, key, stored in lost_references("olivia", kind):
        here, through = f"$key eq {key} and ", f"{field.relation}.{registry()[field.target].key.wire}"
        for condition, count in (
            (f"{field.wire} eq {stored}", 0),
            (f"{field.wire} ne null", 0),
            (f"{field.wire} eq null", 1),
            (f"{field.wire} in ({stored})", 0),
            (f"{field.wire} like '{stored}'", 0),
            (f"{field.wire} gt -2147483648", 0),
            (f"not ({field.wire} eq {stored})", 1),
            (f"{through} eq {stored}", 0),
            (f"{through} eq null", 1),
            (f"concat({through}, '') eq ''", 1),
        ):
            assert len(olivia.keys(kind, where=here + condition)) == count, condition
        for parameters in ({}, {"include": field.relation}, {"select": f"*,{field.relation}"}):
            entry = olivia.entry(at(kind, key), **parameters)
            assert entry[field.wire] is None
            assert field.relation not in entry
        if field.relation not in {item.kind for item in registry()[kind].collections}:
            assert olivia.get(f"{at(kind, key)}/{field.relation}").status == 404


def test_54_there_are_references_to_invisible_records() -> None:
    """The test above can fail."""
    assert {field.wire for field, _, _ in lost_references("olivia", "Company")} == {"Comp_PrimaryPersonId"}


def test_33_totals_count_what_can_be_fetched_one_by_one() -> None:
    for logon, kind in CALLERS[:-3]:
        wire = login(logon)
        if kind in kinds(logon):
            found = keys(logon, kind)
            assert wire.entry(kind, count=0)["$totalResults"] == len(found)
            for key in found[-2:]:
                assert wire.get(at(kind, key)).status == 200


def test_deleted_records_are_nowhere(admin: Wire) -> None:
    company = Company.objects.get(pk=2)
    people = list(system_rows(Person).filter(company=2).values_list("pk", flat=True))
    phones = list(system_rows(Phone).filter(owner_table=5, owner_id=2).values_list("pk", flat=True))
    assert people
    assert phones
    total = admin.entry("company", count=0)["$totalResults"]
    assert admin.delete(at("Company", company.pk)).status == 204
    assert admin.entry("company", count=0)["$totalResults"] == total - 1
    for number, (gone, nothing) in enumerate(
        zip(requests(admin, "Company", 2), requests(admin, "Company", FOREVER_UNUSED), strict=True)
    ):
        assert told(gone) == told(nothing), number
    assert admin.get(at("Phone", phones[0])).status == 404
    assert admin.entry(at("Person", people[0]))["Pers_CompanyId"] is None
    assert admin.keys("person", where="pers_companyid eq 2") == []
    assert set(people) <= set(admin.keys("person", where="pers_companyid eq null", count=1000))
    assert system_rows(Company).filter(pk=2).count() == 0
    assert Company.objects.filter(pk=2).count() == 1
