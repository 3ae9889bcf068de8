"""The classic contract: Atom for programs that know no JSON, over the same gate (contract.md §18, number 87)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from entities.models import Company
from entities.registry import registry
from security.gate import system_rows
from security.models import FieldRule, Profile
from tests.api.twins import kinds
from tests.api.wire import BASE, Wire, at, login, statements
from tests.contract.atom import (
    CLASSIC,
    NAMESPACES,
    PAYLOAD,
    ROOT,
    SDATA,
    chunks,
    content_of,
    declared,
    document,
    judged,
    keys,
    links,
    payloads,
    read,
    schema,
    schema_of,
    text_of,
    walk,
)

if TYPE_CHECKING:
    from tests.api.wire import Answer

READERS = ("susan", "olivia", "admin")
COMPANY = 2


def classic(wire: Wire, path: str, **parameters: Any) -> Answer:
    """Read from the classic contract."""
    answer = wire.get(f"{CLASSIC}/{path}", **parameters)
    assert answer.status == 200, (path, answer.body)
    return answer


@pytest.mark.parametrize("logon", READERS)
def test_87_feeds_are_atom_for_a_feed_library(logon: str) -> None:
    wire = login(logon)
    for kind in kinds(logon):
        answer = classic(wire, kind)
        assert answer.headers["Content-Type"] == "application/atom+xml; type=feed"
        assert document(answer).nsmap == NAMESPACES
        found = read(answer)
        assert found.feed.title == registry()[kind].plural
        assert found.feed.id == f"{ROOT}/{kind.lower()}"
        assert found.feed.author == "CRM"
        assert (found.feed.opensearch_startindex, found.feed.opensearch_itemsperpage) == ("1", "10")
        assert [entry.id for entry in found.entries] == [f"{ROOT}/{kind.lower()}('{key}')" for key in keys(answer)]
        titles = [record.get(f"{SDATA}descriptor") for record in payloads(answer)]
        assert [entry.title for entry in found.entries] == titles
        assert all(entry.updated_parsed and entry.content for entry in found.entries)


@pytest.mark.parametrize("logon", READERS)
def test_87_the_schema_served_validates_every_payload(logon: str) -> None:
    """Whatever is shown: expanded relations and collections, single fields in any order, one record alone."""
    wire, judgements = login(logon), 0
    for kind in kinds(logon):
        found, names = schema(logon, kind), list(wire.entry(f"$prototypes/{kind}")["$properties"])
        relations = [name for name in names if "_" not in name]
        for included in chunks(relations, 10):
            judgements += judged(found, classic(wire, kind, count=8, include=included))
        selected = [name for name in reversed(names) if not name.endswith("Collection")]
        answer = classic(wire, kind, count=5, select=",".join(selected))
        judgements += judged(found, answer)
        for record in payloads(answer)[:1]:
            answer = wire.get(record.get(f"{SDATA}url"))
            assert answer.headers["Content-Type"] == "application/atom+xml; type=entry"
            judgements += judged(found, answer)
    assert judgements > 150


def test_87_the_schema_refuses_what_it_does_not_describe(susan: Wire) -> None:
    """The test above can fail."""
    (record,) = payloads(classic(susan, at("company", COMPANY)))
    found = schema("susan", "Company")
    assert found.validate(record)
    first = record[0]
    record.append(first)
    assert not found.validate(record)
    record.insert(0, first)
    assert found.validate(record)
    first.text = "two"
    assert not found.validate(record)


@pytest.mark.parametrize("logon", READERS)
def test_87_values_are_those_of_the_json_contract(logon: str) -> None:
    wire = login(logon)
    for kind in kinds(logon):
        expected = wire.send("GET", kind, count=100)
        exact = {entry["$key"]: entry for entry in _exactly(expected)["$resources"]}
        found = classic(wire, kind, count=100)
        assert judged(schema(logon, kind), found) == len(exact)
        assert keys(found) == list(exact)
        assert document(found).findtext("{*}totalResults") == str(_exactly(expected)["$totalResults"])
        for record in payloads(found):
            assert record.tag == f"{PAYLOAD}{kind.lower()}"
            assert _shown(record) == _expected(exact[int(record.get(f"{SDATA}key"))])


def _exactly(answer: Answer) -> Any:
    return json.loads(answer.body, parse_float=Decimal)


def _shown(record: Any) -> dict[str, Any]:
    """Return a payload as names and values; a linked record as its key and title."""
    found: dict[str, Any] = {"$title": record.get(f"{SDATA}descriptor")}
    for item in record:
        linked = item.get(f"{SDATA}key")
        name = item.tag.removeprefix(PAYLOAD)
        found[name] = content_of(item) if linked is None else (linked, item.get(f"{SDATA}descriptor"))
    return found


def _expected(entry: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"$title": entry["$title"]}
    for name, value in entry.items():
        if not name.startswith("$"):
            link = isinstance(value, dict)
            found[name.lower()] = (str(value["$key"]), value["$title"]) if link else text_of(value)
    return found


def test_87_an_entry_has_the_tag_of_the_json_contract_and_its_own_author(susan: Wire) -> None:
    answer, expected = classic(susan, "company('2')"), susan.entry("company('2')")
    assert document(answer).findtext("{*}etag") == expected["$etag"]
    assert answer.headers["ETag"] == f'"{expected["$etag"]}"'
    assert document(answer).findtext("{*}updated") == expected["$updated"]
    assert document(answer).findtext("{*}author/{*}name") == "CRM"
    assert links(answer)["self"] == f"{ROOT}/company('2')"
    assert judged(schema("susan", "Company"), susan.get(links(answer)["self"])) == 1


def test_87_select_and_include_show_what_they_do_in_json(susan: Wire) -> None:
    (record,) = payloads(classic(susan, "company('2')", select="comp_type,COMP_NAME,person.pers_lastname"))
    assert [item.tag.removeprefix(PAYLOAD) for item in record] == ["comp_name", "comp_type", "person"]
    assert [item.tag.removeprefix(PAYLOAD) for item in record[2]] == ["pers_lastname"]
    (record,) = payloads(classic(susan, "company('2')", include="phonecollection,person"))
    phones, expected = record.find("{*}phoneCollection"), susan.entry("company('2')", include="phone")
    assert phones.get("{http://a9.com/-/spec/opensearch/1.1/}totalResults") == str(
        expected["PhoneCollection"]["$totalResults"]
    )
    shown = [int(item.get(f"{SDATA}key")) for item in phones]
    assert shown == [entry["$key"] for entry in expected["PhoneCollection"]["$resources"]]
    assert shown
    assert record.findtext("{*}person/{*}pers_lastname") == expected["Person"]["$title"].split()[-1]


def test_87_the_address_of_a_collection_selects_its_members(admin: Wire) -> None:
    followed = 0
    for kind in kinds("admin"):
        for item in registry()[kind].collections:
            for record in payloads(classic(admin, kind, count=5, include=item.name)):
                (collection,) = [found for found in record if found.tag.endswith("Collection")]
                url = collection.get(f"{SDATA}url")
                assert (url is None) == bool(item.via)
                if url is not None and len(collection):
                    assert sorted(keys(admin.get(f"{url}&count=100"))) == sorted(
                        int(member.get(f"{SDATA}key")) for member in collection
                    )
                    followed += 1
    assert followed > 20


def test_87_pages_hold_ten_records_and_at_most_a_hundred(admin: Wire) -> None:
    everything = admin.entry("pricing", count=0)["$totalResults"]
    assert everything > 100, "the demo world has no kind to show the limit with"
    assert len(keys(classic(admin, "pricing"))) == 10
    answer = classic(admin, "pricing", count=5000)
    assert len(keys(answer)) == 100
    assert read(answer).feed.opensearch_itemsperpage == "100"
    assert links(answer)["next"].endswith("count=5000&startIndex=101")
    assert keys(classic(admin, "pricing", count=0)) == []


def test_87_following_next_brings_every_record_once(susan: Wire) -> None:
    pages = list(walk(susan, f"{CLASSIC}/person?count=7&orderBy=pers_lastname desc"))
    found = [key for page in pages for key in keys(page)]
    assert found == susan.keys("person?count=1000&orderBy=pers_lastname desc")
    assert len(pages) > 3
    assert keys(susan.get(links(pages[0])["last"])) == keys(pages[-1])
    assert keys(susan.get(links(pages[2])["previous"])) == keys(pages[1])
    assert keys(susan.get(links(pages[2])["first"])) == keys(pages[0])


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        ("company", "comp_name like '%a%' and not (comp_type eq 'customer')"),
        ("company", "comp_website eq null or comp_companyid in ('2', 3)"),
        ("person", "Company.Comp_Status eq 'active' and concat(pers_firstname, pers_lastname) ne ''"),
        ("cases", "case_opened gt @2020-01-01@"),
    ],
)
def test_87_a_condition_selects_what_it_does_in_json(kind: str, where: str) -> None:
    for logon in READERS:
        wire = login(logon)
        if kind.capitalize() in kinds(logon):
            assert keys(classic(wire, kind, where=where, count=100)) == wire.keys(kind, where=where, count=100)
    assert keys(classic(login("admin"), kind, where=where))


def test_87_the_schema_takes_what_a_view_shows_of_an_invisible_record(olivia: Wire) -> None:
    """Nothing, whatever the type: a check box has no value there."""
    partner = Profile.objects.get(group__name="Partner")
    partner.rights.filter(entity="NewProduct").delete()
    partner.rights.create(entity="NewProduct", scope="created_by", view=True)
    found = schema_of(olivia.get(f"{CLASSIC}/vNewProductPriceList/$schema"))
    answer = classic(olivia, "vNewProductPriceList", count=5)
    assert judged(found, answer) == 5
    for record in payloads(answer):
        assert [content_of(record.find(f"{{*}}{name}")) for name in ("prod_code", "prod_active")] == [None, None]
    everything = olivia.entry("vNewProductPriceList", count=0)["$totalResults"]
    for condition in ("prod_active", "prod_active eq true", "prod_active eq false"):
        assert keys(classic(olivia, "vNewProductPriceList", where=condition)) == []
        rest = olivia.entry("vNewProductPriceList", where=f"not ({condition})", count=0)["$totalResults"]
        assert rest == everything


def test_87_addresses_are_read_as_in_json(susan: Wire) -> None:
    expected = classic(susan, "company('2')").body
    for spelling in (
        "Company(2)",
        'COMPANIES("2")',
        "company(%272%27)",
        "/company('2')/",
        "company(comp_companyid eq 2)",
    ):
        assert classic(susan, spelling).body == expected
    assert classic(susan, "companies/%24SCHEMA").body == classic(susan, "company/$schema").body
    assert classic(susan, "%24prototypes/companies").body == classic(susan, "$prototypes/company").body


def test_87_it_costs_what_json_costs(olivia: Wire) -> None:
    for path in (
        "company?count=5",
        "company?count=50",
        "company('2')",
        "company?count=5&include=person,phone",
        "nosuch",
    ):
        olivia.get(path)  # her rights are compiled once, for both contracts
        with statements() as expected:
            olivia.get(path)
        with statements() as sent:
            olivia.get(f"{CLASSIC}/{path}")
        assert len(sent) == len(expected), path


def test_87_what_xml_cannot_hold_is_replaced(susan: Wire) -> None:
    stored = "a\x01b\x1f\ufffe\x85 <&>]]>\r\nc\td\U0001f600 "
    system_rows(Company).filter(pk=COMPANY).update(name=stored[:60], web_site="\x02" * 5)
    shown = stored.replace("\x01", "\ufffd").replace("\x1f", "\ufffd").replace("\ufffe", "\ufffd")
    for path in (
        "company('2')",
        "company?where=comp_companyid eq 2",
        "person?where=pers_companyid eq 2&include=company",
    ):
        answer = classic(susan, path)
        read(answer)
        names = [item.text for item in document(answer).iter(f"{PAYLOAD}comp_name")]
        assert names and set(names) == {shown}
    (record,) = payloads(classic(susan, "company('2')"))
    assert record.get(f"{SDATA}descriptor") == shown
    assert record.findtext("{*}comp_website") == "\ufffd" * 5
    assert susan.entry("company('2')")["Comp_Name"] == stored


def test_87_a_time_that_the_caller_may_not_know_is_no_clock(susan: Wire) -> None:
    sales = Profile.objects.get(group__name="Sales")
    FieldRule.objects.create(entity="Company", field="Comp_UpdatedDate", profile=sales, read=False)
    answer = classic(susan, "company")
    times = {item.text for item in document(answer).iter("{http://www.w3.org/2005/Atom}updated")}
    assert times == {"1970-01-01T00:00:00Z"}
    read(answer)


@pytest.mark.parametrize("logon", ["olivia", "admin"])
def test_87_prototypes_say_in_xml_what_they_say_in_json(logon: str) -> None:
    wire = login(logon)
    listed = document(classic(wire, "$prototypes"))
    assert [item.get("resourceKind") for item in listed] == [kind.lower() for kind in kinds(logon)]
    for item in listed:
        url = item.get("url")
        found, expected = document(wire.get(url)), wire.entry(url.replace(CLASSIC, BASE))
        properties = {name.lower(): about for name, about in expected["$properties"].items()}
        names = [about.get("name") for about in found]
        assert set(properties) <= {name.lower() for name in names}
        owners = {name for name in names if name.lower() not in properties}
        assert owners <= {kind.lower() for kind in kinds(logon)}
        for about in found:
            facts = properties.get(about.get("name").lower(), {})
            codes = [(choice.get("value"), choice.text) for choice in about]
            assert codes == [(c["$value"], c["$title"]) for c in facts.get("$item", {}).get("$enum", ())]
            assert about.get("type") == facts.get("$type", "sdata/reference")
        assert wire.get(item.get("schema")).status == 200
        assert declared(wire.get(item.get("schema")), f"{item.get('resourceKind')}--type") == names
