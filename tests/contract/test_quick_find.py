"""Quick find looks at what the caller may see, and orders by nothing else (contract.md §17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entities.models import Case, Company
from entities.registry import registry
from security.gate import system_rows
from security.models import FieldRule, Profile, ProfileRight
from tests.api.wire import BASE, ROOT, Wire, login, statements

if TYPE_CHECKING:
    from tests.api.wire import Answer

SERVICE = "$service/quickFind/getResults"
BESIDE = f"{BASE.removesuffix('/-')}/{SERVICE}"
URL = f"http://testserver{BESIDE}"
LOGONS = ("admin", "susan", "peter", "olivia")


def find(wire: Wire, query: str, entity: str = "Company", **more: Any) -> Answer:
    return wire.get(BESIDE, query=query, entity=entity, **more)


def rename(**names: str) -> None:
    """Give companies, by key, other names."""
    for key, name in names.items():
        system_rows(Company).filter(pk=int(key[1:])).update(name=name, web_site="")


def hide(wire: str, profile: str = "Sales", kind: str = "Company") -> None:
    rule = {"profile": Profile.objects.get(group__name=profile), "entity": kind, "field": wire}
    FieldRule.objects.create(**rule, read=False)


@pytest.mark.parametrize("path", [BESIDE, f"{BASE}/{SERVICE}", BESIDE.replace("quickFind/getR", "QUICKFIND//getr")])
@pytest.mark.parametrize("entity", ["Company", "company", "COMPANIES"])
def test_86_quick_find_at_both_addresses(susan: Wire, path: str, entity: str) -> None:
    rename(c2="Zzyzx Trading")
    body = susan.entry(path, query="zzyzx", entity=entity)
    (entry,) = body["$resources"]
    assert (body["$title"], body["$totalResults"], body["$itemsPerPage"]) == ("Companies", 1, 25)
    assert entry == {
        "$key": 2,
        "$title": "Zzyzx Trading",
        "$url": f"{ROOT}/Company('2')",
        "Comp_Name": "Zzyzx Trading",
        "Comp_WebSite": None,
        "$links": {"$self": {"$url": f"{ROOT}/Company('2')", "$title": "Zzyzx Trading"}},
    }
    assert body["$url"] == f"{URL}?query=zzyzx&entity={entity}"


def words(entry: dict[str, Any], wires: list[str]) -> str:
    return " \x00 ".join((entry.get(wire) or "").lower() for wire in wires)


@pytest.mark.parametrize("logon", LOGONS)
@pytest.mark.parametrize("kind", [entity.kind for entity in registry() if entity.search])
@pytest.mark.parametrize("query", ["an", "AN", "ar te", "e r", "no such thing"])
def test_86_quick_find_by_readable_columns_only(logon: str, kind: str, query: str) -> None:
    """What is found is what a reader of all visible records finds, in the order of the contract."""
    wire = login(logon)
    entity = registry()[kind]
    entries = wire.get(kind, count=1000)
    if entries.status != 200:
        assert find(wire, query, kind).code == "BadParameterValue"
        return
    wires = [entity.by_name[name].wire for name in entity.search]
    wanted = [
        entry
        for entry in entries.json["$resources"]
        if all(word in words(entry, wires) for word in query.lower().split())
    ]
    wanted.sort(key=lambda e: (not e["$title"].lower().startswith(query.lower()), e["$title"].lower(), e["$key"]))
    answer = find(wire, query, kind, count=1000)
    assert answer.keys == [entry["$key"] for entry in wanted]
    assert answer.json["$totalResults"] == len(wanted)


def test_86_each_word_may_be_in_another_column(susan: Wire) -> None:
    rename(c2="Zzyzx Trading")
    system_rows(Company).filter(pk=2).update(web_site="http://qqjjvv.example")
    assert find(susan, "qqjjvv  zzyzx").keys == [2]
    assert find(susan, "qqjjvv nothing").keys == []


def test_86_titles_that_begin_with_the_query_come_first(susan: Wire) -> None:
    rename(c2="Beta Zzyzx", c3="zzyzx two", c4="Alpha Zzyzx", c5="ZZYZX ONE", c6="zzyzx two")
    assert find(login("admin"), "Zzyzx ").keys == [5, 3, 6, 4, 2]
    visible = set(susan.keys("company", count=1000))
    assert find(susan, "zzyzx").keys == [key for key in (5, 3, 6, 4, 2) if key in visible]


@pytest.mark.parametrize(
    ("query", "found"),
    [("50%", [2]), ("a_b", [3]), ("c\\d", [4]), ("%%", []), ("__", []), ("'' or", []), ("{}", [5]), ("%s", [6])],
)
def test_86_wildcards_are_literal(admin: Wire, query: str, found: list[int]) -> None:
    rename(c2="50% off", c3="a_b", c4="c\\d", c5="{} braces", c6="%s", c7="axb", c8="500 off", c9="cxd")
    assert find(admin, query).keys == found


@pytest.mark.parametrize("query", ["é€", "ÄÖ", "İstanbul", "\U0001f600\U0001f600", "a\tb", "\u2003ab", "x" * 100])
def test_86_any_text_may_be_looked_for(admin: Wire, query: str) -> None:
    rename(c2=f"{query} Ltd"[:60])
    assert find(admin, query).status == 200
    if len(query) < 50:
        assert 2 in find(admin, query).keys


def test_86_pages_by_start_index_and_by_cursor(admin: Wire) -> None:
    everything = find(admin, "an", count=1000).keys
    assert len(everything) > 7
    pages = [find(admin, "an", count=3, startIndex=start).keys for start in range(1, len(everything) + 3, 3)]
    assert [key for page in pages for key in page] == everything
    walked: list[int] = []
    address: str | None = f"{URL}?query=an&entity=Company&count=3"
    while address:
        body = admin.entry(address)
        walked += [entry["$key"] for entry in body["$resources"]]
        address = body["$links"].get("$next", {}).get("$url")
    assert walked == everything


def test_86_every_link_can_be_followed(admin: Wire) -> None:
    links = find(admin, "an", count=4, startIndex=5).json["$links"]
    assert set(links) == {"$self", "$first", "$previous", "$next", "$last", "$prototype"}
    for link in links.values():
        assert admin.get(link["$url"]).status == 200


def test_86_a_cursor_is_bound_to_caller_kind_and_query(admin: Wire, susan: Wire) -> None:
    after = find(admin, "an", count=2).json["$links"]["$next"]["$url"].partition("after=")[2]
    assert find(admin, "an", count=3, after=after).status == 200
    for answer in (
        find(admin, "en", after=after),
        find(admin, "an", "Person", after=after),
        find(susan, "an", after=after),
        admin.get("company", after=after),
        find(admin, "an", after=after, startIndex=1),
    ):
        assert (answer.status, answer.code) == (400, "CursorInvalid")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"query": "euro"},
        {"entity": "Company"},
        {"query": "", "entity": "Company"},
        {"query": "a", "entity": "Company"},
        {"query": " a ", "entity": "Company"},
        {"query": "x" * 101, "entity": "Company"},
        {"query": "euro", "entity": ""},
        {"query": "euro", "entity": "nosuch"},
        {"query": "euro", "entity": "Currency"},
        {"query": "euro", "entity": "Company", "where": "1=1"},
        {"query": "euro", "entity": "Company", "count": -1},
        {"query": "a\x00b", "entity": "Company"},
    ],
)
def test_86_what_cannot_be_looked_for_is_refused(susan: Wire, parameters: dict[str, Any]) -> None:
    answer = susan.get(BESIDE, **parameters)
    assert answer.refusal[:2] == (400, "BadQueryParameter")


def test_86_a_kind_that_cannot_be_searched_is_as_one_that_is_not_there(susan: Wire, nora: Wire, peter: Wire) -> None:
    unknown = find(susan, "euro", "nosuch")
    hide("Comp_Name")
    hide("Comp_WebSite")
    find(susan, "euro")  # compiles the plan
    with statements() as one:
        hidden = find(susan, "euro")
    with statements() as other:
        find(susan, "euro", "nosuch")
    assert (hidden.status, hidden.body, len(one)) == (400, unknown.body, len(other))
    assert find(nora, "euro").body == unknown.body
    assert find(peter, "euro", "Opportunity").body == unknown.body
    support = Profile.objects.get(group__name="Support")
    ProfileRight.objects.filter(profile=support, entity="Cases").delete()
    ProfileRight.objects.create(profile=support, entity="Cases", scope="everywhere", insert=True)
    assert find(peter, "euro", "Cases").body == unknown.body


@pytest.fixture
def three(susan: Wire) -> list[int]:
    """Three companies that susan sees."""
    return susan.keys("company", orderBy="$key", count=3)


def store(key: int, name: str, web_site: str = "") -> None:
    system_rows(Company).filter(pk=key).update(name=name, web_site=web_site)


def test_86_a_hidden_column_neither_finds_nor_shows(susan: Wire, three: list[int]) -> None:
    first, second, third = three
    store(first, "Zzyzx", "http://b.example/qqjjvv")
    store(second, "Zzyzx")
    store(third, "Other", "http://zzyzx.example")
    assert find(susan, "qqjjvv").keys == [first]
    assert find(susan, "zzyzx").keys == three
    hide("Comp_WebSite")
    with statements() as sent:
        answer = find(susan, "zzyzx")
    assert answer.keys == [first, second]
    assert b"WebSite" not in answer.body
    assert not [sql for sql in sent if "web_site" in sql]
    assert find(susan, "qqjjvv").keys == []


def test_86_a_hidden_title_neither_orders_nor_shows(susan: Wire, three: list[int]) -> None:
    hide("Comp_Name")
    for key, name in zip(three, ("B zzyzx", "Zzyzx", "A"), strict=True):
        store(key, name, "http://qqjjvv.example")
    before = find(susan, "qqjjvv")
    for key, name in zip(three, ("Other", "Another", "qqjjvv 4"), strict=True):
        store(key, name, "http://qqjjvv.example")
    assert find(susan, "qqjjvv").body == before.body
    titles = sorted(f"Company {key}" for key in three)
    assert [entry["$title"] for entry in before.json["$resources"]] == titles
    assert find(susan, "zzyzx").keys == []


def test_86_a_neutral_title_has_its_place_as_it_is_shown(admin: Wire) -> None:
    first, second = admin.keys("cases", orderBy="$key", count=2)
    system_rows(Case).filter(pk=first).update(description="", customer_ref="cases qqjjvv")
    system_rows(Case).filter(pk=second).update(description="Case z", customer_ref="cases qqjjvv")
    found = find(admin, "cases", "Cases").json["$resources"]
    shown = [entry["$title"] for entry in found if entry["$key"] in (first, second)]
    assert shown == [f"Cases {first}", "Case z"]


def test_86_only_visible_records_are_found(olivia: Wire, admin: Wire) -> None:
    visible = set(olivia.keys("company", count=1000))
    found = set(find(olivia, "an", count=1000).keys)
    assert found == visible & set(find(admin, "an", count=1000).keys)
    assert found < set(find(admin, "an", count=1000).keys)


def test_86_a_page_costs_the_same_statements_whatever_is_found(susan: Wire) -> None:
    counts = set()
    for query, count in (("an", 1), ("an", 50), ("no such thing", 25)):
        find(susan, query, count=count)
        with statements() as sent:
            find(susan, query, count=count)
        counts.add(len(sent))
    assert len(counts) == 1


def test_86_the_root_leads_to_quick_find_where_something_can_be_searched(susan: Wire, nora: Wire) -> None:
    link = susan.entry("")["$links"]["$quickFind"]
    assert (link["$url"], link["$title"]) == (URL, "Quick find")
    names = link["$request"]["$properties"]
    assert susan.get(link["$url"], **dict(zip(names, ("an", "Person"), strict=True))).status == 200
    assert "$quickFind" not in nora.entry("")["$links"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_86_quick_find_is_read_only(susan: Wire, method: str) -> None:
    for path in (BESIDE, f"{BASE}/{SERVICE}"):
        answer = susan.send(method, path, {})
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
        assert susan.options(path).status == 204


@pytest.mark.parametrize("path", ["$service", "$service/quickFind", "$service/other/getResults", f"{SERVICE}/x"])
def test_86_there_is_no_other_service(susan: Wire, path: str) -> None:
    for base in (BASE, BASE.removesuffix("/-")):
        assert susan.get(f"{base}/{path}").refusal == (404, "ResourceKindNotFound", "UnknownPath")


def test_no_text_of_a_client_is_taken_for_the_mark_of_a_reader(susan: Wire) -> None:
    text = "/*reader 0*/"
    assert find(susan, text).status == 200
    assert susan.get("company", where=f"comp_name eq '{text}'").status == 200
