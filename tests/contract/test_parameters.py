"""Query parameters: what is understood, what is refused, select, include, labels (contract.md §8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entities.models import Company, Person
from entities.registry import registry
from security.gate import system_rows
from security.models import FieldRule
from tests.api.twins import keys
from tests.api.wire import ROOT, Wire, at, statements

if TYPE_CHECKING:
    from collections.abc import Callable

COMPANY = at("Company", 2)
BAD = "BadQueryParameter"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("company?foo=1", "UnknownParameter"),
        ("company?count=1&count=2", "RepeatedParameter"),
        ("company?count=1&COUNT=1", "RepeatedParameter"),
        ("company?atomic=true", "UnknownParameter"),
        ("company?query=x", "UnknownParameter"),
        ("company?returnPartial=true", "UnknownParameter"),
        ("company?limit=3", "UnknownParameter"),
        ("company?comp_name=x", "UnknownParameter"),
        ("company?password=x", "UnknownParameter"),
        ("company?=1", "UnknownParameter"),
        ("company?labels=maybe", "BadParameterValue"),
        (f"{COMPANY}?where=1=1", "UnknownParameter"),
        (f"{COMPANY}?orderBy=comp_name", "UnknownParameter"),
        (f"{COMPANY}?count=1", "UnknownParameter"),
        (f"{COMPANY}?startIndex=1", "UnknownParameter"),
        (f"{COMPANY}?totals=none", "UnknownParameter"),
        (f"{COMPANY}?after=x", "UnknownParameter"),
        (f"{COMPANY}?allowDuplicate=true", "UnknownParameter"),
        (f"{COMPANY}/Company", None),
        ("$whoami?select=x", "UnknownParameter"),
        ("$prototypes?count=1", "UnknownParameter"),
        ("$prototypes/company?select=$url", "UnknownParameter"),
        ("?count=1", "UnknownParameter"),
    ],
)
def test_42_every_other_parameter_is_refused(susan: Wire, path: str, code: str | None) -> None:
    answer = susan.get(path)
    assert answer.refusal == ((400, BAD, code) if code else (404, "ResourceKindNotFound", "UnknownPath"))


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_42_writes_refuse_what_they_do_not_take(susan: Wire, method: str) -> None:
    path = "company" if method == "POST" else COMPANY
    for name in ("where", "count", "labels", "totals", "after", "orderBy", "atomic", "foo"):
        assert susan.send(method, f"{path}?{name}=1", {"comp_name": "Other"}).refusal == (400, BAD, "UnknownParameter")
    assert susan.entry(COMPANY)["Comp_Name"] != "Other"


@pytest.mark.parametrize("name", ["_t", "format", "_includeContent", "includeContent", "language", "precedence"])
def test_42_the_ignored_parameters_have_no_effect(susan: Wire, name: str) -> None:
    for path in ("", "$whoami", "$prototypes/company", COMPANY):
        assert susan.get(f"{path}?{name}=anything").body == susan.get(path).body
    found = susan.entry(f"company?{name.upper()}=json&count=2")
    assert found["$resources"] == susan.entry("company?count=2")["$resources"]


@pytest.mark.parametrize("name", ["select", "orderBy", "include", "after"])
def test_42_some_empty_parameters_count_as_absent(susan: Wire, name: str) -> None:
    assert susan.get(f"company?{name}=&count=2").json["$resources"] == susan.get("company?count=2").json["$resources"]


@pytest.mark.parametrize("text", ["", "%20", "+%09"])
def test_42_an_empty_condition_is_refused(susan: Wire, text: str) -> None:
    assert susan.get(f"company?where={text}").refusal == (400, "BadWhereSyntax", "WhereSyntax")


def test_return_partial_has_no_effect(susan: Wire) -> None:
    for value in ("true", "false", "TRUE"):
        assert susan.get(f"{COMPANY}?returnPartial={value}").body == susan.get(COMPANY).body
    assert susan.get(f"{COMPANY}?returnPartial=x").code == "BadParameterValue"
    assert susan.patch(f"{COMPANY}?returnPartial=true", {}).json == susan.entry(COMPANY)


class TestSelect:
    """``select`` shows what is named and nothing else (contract.md §8.2)."""

    def test_43_fields(self, susan: Wire) -> None:
        entry = susan.entry("newproduct?select=prod_code,PROD_NAME&count=1")["$resources"][0]
        assert list(entry) == ["$key", "$title", "$url", "Prod_Code", "Prod_Name"]

    def test_43_a_field_behind_a_relation(self, susan: Wire) -> None:
        entry = susan.entry(COMPANY, select="Person.Pers_LastName,comp_name")
        assert set(entry) == {"$key", "$title", "$url", "Comp_Name", "Person"}
        assert set(entry["Person"]) == {"$key", "$title", "$url", "Pers_LastName"}

    def test_43_two_relations_deep(self, susan: Wire) -> None:
        entry = susan.entry(COMPANY, select="Person.Company.Comp_Name,Person.pers_firstname")
        assert set(entry["Person"]) == {"$key", "$title", "$url", "Pers_FirstName", "Company"}
        assert entry["Person"]["Company"]["Comp_Name"] == susan.entry(COMPANY)["Comp_Name"]

    @pytest.mark.parametrize(
        ("select", "members"),
        [
            ("$key", set()),
            ("$etag", {"$etag"}),
            ("$updated", {"$updated"}),
            ("$links", {"$links"}),
            ("person", {"Person"}),
            ("createdby", {"CreatedBy"}),
            ("comp_website, comp_name", {"Comp_WebSite", "Comp_Name"}),
        ],
    )
    def test_43_members(self, susan: Wire, select: str, members: set[str]) -> None:
        assert set(susan.entry(COMPANY, select=select)) == {"$key", "$title", "$url"} | members

    def test_43_a_star_is_all_fields_and_links_of_records(self, susan: Wire) -> None:
        whole = susan.entry(COMPANY)
        assert susan.entry(COMPANY, select="*,$etag,$links,$updated") == whole
        star = susan.entry(COMPANY, select="*")
        assert star == {k: v for k, v in whole.items() if k not in ("$etag", "$links", "$updated")}

    def test_43_the_tag_is_that_of_the_whole_entry(self, susan: Wire) -> None:
        whole = susan.get(COMPANY)
        assert susan.get(COMPANY, select="comp_name").headers["ETag"] == whole.headers["ETag"]
        assert susan.entry(COMPANY, select="$etag")["$etag"] == whole.json["$etag"]

    @pytest.mark.parametrize(
        ("select", "code"),
        [
            ("comp_nosuch", "UnknownName"),
            ("name", "UnknownName"),
            ("Person.comp_name", "UnknownName"),
            ("$nosuch", "UnknownName"),
            ("Users.password", "UnknownName"),
            ("Users.User_Password", "UnknownName"),
            ("personcollection", "UnknownName"),
            ("comp_name,", "BadParameterValue"),
            ("comp name", "BadParameterValue"),
            ("comp_name;", "BadParameterValue"),
            ("a.b.c.d.e", "LimitExceeded"),
            ("x" * 8001, "LimitExceeded"),
        ],
    )
    def test_43_other_names_are_refused(self, susan: Wire, select: str, code: str) -> None:
        for path in ("company", COMPANY):
            if len(select) < 7000:
                assert susan.get(path, select=select).refusal == (400, BAD, code)

    def test_43_only_what_is_asked_for_is_read(self, susan: Wire) -> None:
        with statements() as sent:
            susan.entry("company", select="comp_website", count=3)
        assert not [sql for sql in sent if '"entities_company"."employees"' in sql]

    def test_a_write_answers_what_is_selected(self, susan: Wire) -> None:
        made = susan.post("company?select=comp_name", {"comp_name": "New"})
        assert (made.status, set(made.json)) == (201, {"$key", "$title", "$url", "Comp_Name"})
        changed = susan.patch(f"{COMPANY}?select=comp_intid", {"comp_intid": 5})
        assert (changed.status, changed.json["Comp_IntId"]) == (200, 5)


class TestInclude:
    """``include`` expands in place, by the target's own rights (contract.md §8.3)."""

    def test_44_a_record_is_expanded_where_it_is_linked(self, susan: Wire) -> None:
        entry = susan.entry(COMPANY, include="person")
        person = susan.entry(entry["Person"]["$url"])
        shown = set(entry["Person"])
        assert {name for name in person if "_" in name and not name.startswith("$")} - {
            "Address_LinkCollection"
        } <= shown
        assert {name: entry["Person"][name] for name in shown} == {name: person[name] for name in shown}

    def test_44_by_the_targets_own_fields(self, olivia: Wire) -> None:
        person = next(key for key in keys("olivia", "Person") if olivia.entry(at("Person", key)).get("Company"))
        company = olivia.entry(at("Person", person), include="company")["Company"]
        assert "Comp_Name" in company
        assert not {"Comp_Revenue", "Comp_Employees"} & set(company)

    def test_44_a_collection_is_an_object_with_its_total(self, susan: Wire) -> None:
        entry = susan.entry(COMPANY, include="personCollection,phone")
        for name, kind in (("PersonCollection", "Person"), ("PhoneCollection", "Phone")):
            assert entry[name]["$url"] == f"{ROOT}/{COMPANY}/{kind}"
            assert entry[name]["$totalResults"] == len(entry[name]["$resources"])
            assert [e["$key"] for e in entry[name]["$resources"]] == susan.keys(entry[name]["$url"])

    def test_44_a_name_means_the_record_before_the_collection(self, susan: Wire) -> None:
        assert "PersonCollection" not in susan.entry(COMPANY, include="person")
        assert "CasesCollection" in susan.entry(COMPANY, include="cases")

    def test_44_more_than_100_are_cut(self, admin: Wire) -> None:
        everybody = system_rows(Person).order_by("pk")
        everybody.update(company=1)
        assert everybody.count() > 100
        found = admin.entry("company('1')", include="personcollection")["PersonCollection"]
        assert (len(found["$resources"]), found["$totalResults"]) == (100, everybody.count())
        assert [e["$key"] for e in found["$resources"]] == admin.keys(found["$url"], count=100)

    def test_44_a_collection_counts_what_is_visible(self, admin: Wire, olivia: Wire) -> None:
        for key in keys("olivia", "Company"):
            mine = olivia.entry(at("Company", key), include="personcollection")["PersonCollection"]
            assert [e["$key"] for e in mine["$resources"]] == olivia.keys(mine["$url"])
            assert mine["$totalResults"] == len(mine["$resources"])
        hers = [admin.entry(f"company('{key}')/person", count=0)["$totalResults"] for key in keys("olivia", "Company")]
        assert sum(hers) > sum(
            olivia.entry(f"company('{k}')/person", count=0)["$totalResults"] for k in keys("olivia", "Company")
        )

    @pytest.mark.parametrize(
        ("query", "code"),
        [
            ("include=phone&count=101", "LimitExceeded"),
            ("include=phone,email,cases&count=100", "LimitExceeded"),
            ("include=personcollection.phone", "LimitExceeded"),
            ("include=person.company.users", "LimitExceeded"),
            ("include=" + ",".join(["person"] * 11), "LimitExceeded"),
            ("include=nosuch", "UnknownName"),
            ("include=comp_name", "UnknownName"),
            ("include=$links", "UnknownName"),
            ("include=*", "BadParameterValue"),
            ("include=person,", "BadParameterValue"),
        ],
    )
    def test_44_too_much_and_unknown_names_are_refused(self, susan: Wire, query: str, code: str) -> None:
        assert susan.get(f"company?{query}").refusal == (400, BAD, code)

    def test_44_what_is_just_not_too_much_is_served(self, susan: Wire) -> None:
        for query in ("include=phone&count=100", "include=phone,email&count=100", "include=person.phone"):
            assert susan.get(f"company?{query}").status == 200

    @pytest.mark.parametrize(
        "include", ["person", "person.address,users", "phone,email", "personcollection", "cases.person,createdby"]
    )
    def test_45_a_page_with_included_records_costs_a_constant(self, admin: Wire, include: str) -> None:
        def cost(count: int) -> int:
            with statements() as sent:
                admin.entry("company", count=count, include=include)
            return len(sent)

        cost(10)  # what the caller may do is worked out once
        assert cost(20) == cost(50)

    def test_an_entry_with_included_records_has_no_tag_header(self, susan: Wire) -> None:
        answer = susan.get(COMPANY, include="person")
        assert "ETag" not in answer.headers
        assert answer.json["$etag"] == susan.entry(COMPANY)["$etag"]


class TestLabels:
    """``labels=true`` adds the labels of what is shown (contract.md §8.1)."""

    def test_of_selection_fields(self, susan: Wire) -> None:
        entry = susan.entry(COMPANY, labels="true")
        assert entry["$labels"]["Comp_Employees"] == entry["Comp_Employees"]
        assert set(entry["$labels"]) <= {name for name in entry if name.startswith("Comp_")}
        assert susan.entry(COMPANY, labels="false") == susan.entry(COMPANY)

    def test_of_several_codes(self, susan: Wire) -> None:
        susan.patch(at("Person", 2), {"pers_type": ["DecisionMaker", "admin"]})
        entry = susan.entry(at("Person", 2), labels="true")
        assert entry["Pers_Type"] == ["Admin", "DecisionMaker"]
        assert entry["$labels"]["Pers_Type"] == ["Admin", "Decision maker"]

    def test_not_of_hidden_fields(self, olivia: Wire) -> None:
        for entry in olivia.entry("company", labels="true", count=100)["$resources"]:
            assert not {"Comp_Revenue", "Comp_Employees"} & set(entry["$labels"])

    def test_not_of_fields_that_are_not_selected(self, susan: Wire) -> None:
        assert set(susan.entry(COMPANY, labels="true", select="comp_type")["$labels"]) == {"Comp_Type"}


@pytest.mark.parametrize("where", ["comp_name eq 'Jürgen & Söhne + Partner'", "comp_intforeignid eq '50% / a?b=c#d'"])
def test_any_text_can_be_sent_in_a_condition(susan: Wire, where: str) -> None:
    value = where.split("'")[1]
    assert susan.patch(COMPANY, {where.split()[0]: value}).status == 200
    assert susan.keys("company", where=where) == [2]


def test_text_that_is_not_percent_encoded_is_read_as_utf_8(susan: Wire) -> None:
    susan.patch(COMPANY, {"comp_name": "Jürgen"})
    raw: Any = susan.client.generic(
        "GET",
        "/sdata/crmj/sagecrm2/-/company",
        QUERY_STRING="where=comp_name%20eq%20'Jürgen'".encode().decode("latin-1"),
        headers=susan.headers,
    )
    assert [entry["$key"] for entry in raw.json()["$resources"]] == [2]


NAMES: list[Callable[[str], str]] = [
    lambda wire: wire.replace("Comp_", "comp__"),
    lambda wire: wire.removeprefix("Comp_").lower(),
    lambda wire: f"{wire}__icontains",
    lambda wire: f"Comp_{wire}",
    lambda wire: wire.replace("_", "."),
    lambda wire: f"entities_company.{wire}",
    lambda wire: f"{wire}.id",
]


@pytest.mark.parametrize("spelling", range(len(NAMES)))
def test_53_names_of_columns_and_lookups_are_unknown(susan: Wire, spelling: int) -> None:
    for wire in ("Comp_Name", "Comp_PrimaryUserId", "Comp_SecTerr"):
        name = NAMES[spelling](wire)
        for parameter, text in (("where", f"{name} eq '1'"), ("orderBy", name), ("select", name)):
            answer = susan.get("company", **{parameter: text})
            assert (answer.status, answer.code) == (400, "UnknownName"), name
        assert susan.patch(COMPANY, {name: "x"}).codes == ["UnknownMember"]


@pytest.mark.parametrize(
    "name",
    ["id", "pk", "_order0", "_title", "_edit", "deleted_at", "created_by", "user_grants", "password", "is_superuser"],
)
def test_53_internal_names_are_unknown(admin: Wire, name: str) -> None:
    for kind in ("company", "users"):
        assert admin.get(kind, where=f"{name} ne null").code == "UnknownName"
        assert admin.get(kind, orderBy=name).code == "UnknownName"
        assert admin.get(kind, select=name).code == "UnknownName"


def test_53_values_with_signs_of_sql_are_values(admin: Wire) -> None:
    for value in ("'; DROP TABLE entities_company; --", "%s", "%(x)s", "{}", "\\", "$1", "a__b", "a.b", '"'):
        assert admin.patch("company('1')", {"comp_intforeignid": value}).status == 200
        quoted = value.replace("'", "''")
        assert admin.keys("company", where=f"comp_intforeignid eq '{quoted}'") == [1]
        assert admin.entry("company('1')")["Comp_IntForeignId"] == value
        assert system_rows(Company).count() == 60


def test_a_rule_on_the_stamps_hides_the_system_names(susan: Wire) -> None:
    assert susan.get("company", where="$updated ne null", count=0).status == 200
    FieldRule.objects.create(entity="Company", field="Comp_UpdatedDate", read=False)
    for parameter, text in (("where", "$updated ne null"), ("orderBy", "$updated")):
        answer = susan.get("company", **{parameter: text})
        assert (answer.status, answer.code) == (400, "UnknownName")
    assert registry()["Company"].by_name["updated_at"].wire == "Comp_UpdatedDate"
