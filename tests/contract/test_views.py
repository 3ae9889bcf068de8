"""Views: rows of their base, columns of what they show (contract.md §16, §23 numbers 35 and 84)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group

from entities.models import Company, Phone, User
from entities.registry import registry
from security.gate import system_rows
from security.models import FieldRule, Profile, ProfileRight
from tests.api.wire import at, login, statements

if TYPE_CHECKING:
    from tests.api.wire import Wire

VIEWS = [entity.kind for entity in registry() if entity.view]
BASES = {"vCompanySummary": "Company", "vPersonSummary": "Person", "vNewProductPriceList": "Pricing"}
EVERYBODY = ("admin", "susan", "william", "peter", "olivia", "ian")


def all_of(wire: Wire, kind: str, **parameters: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = wire.entry(kind, count=1000, **parameters)["$resources"]
    assert len(found) < 1000
    return found


def test_the_views_are_those_of_the_catalogue() -> None:
    assert VIEWS == ["vAddressCompany", "vAddressPerson", "vCompanySummary", "vPersonSummary", "vNewProductPriceList"]


@pytest.mark.parametrize("kind", VIEWS)
def test_35_an_entry_of_a_view_has_identity_and_every_field(susan: Wire, kind: str) -> None:
    prototype = susan.entry(f"$prototypes/{kind}")["$properties"]
    fields = {name for name, told in prototype.items() if told["$type"] != "sdata/reference"}
    for entry in all_of(susan, kind, orderBy="$key")[:30]:
        assert type(entry["$key"]) is int
        assert entry["$url"].endswith(at(kind, entry["$key"]))
        assert entry["$title"]
        assert fields <= set(entry)
        assert set(entry["$links"]) == {"$self", "$prototype", "$explain"}
        assert susan.entry(entry["$url"]) == entry


@pytest.mark.parametrize("kind", VIEWS)
def test_35_all_of_a_view_is_told_as_read_only(admin: Wire, kind: str) -> None:
    prototype = admin.entry(f"$prototypes/{kind}")
    assert prototype["$rights"] == {"$view": True, "$edit": False, "$insert": False, "$delete": False}
    assert {told["$isReadOnly"] for told in prototype["$properties"].values()} == {True}
    assert {told["$isMandatory"] for told in prototype["$properties"].values()} == {False}


@pytest.mark.parametrize("kind", VIEWS)
def test_84_a_write_to_a_view_answers_405(admin: Wire, kind: str) -> None:
    key = admin.keys(kind, count=1)[0]
    for method, path in (
        ("POST", kind),
        ("PUT", at(kind, key)),
        ("PATCH", at(kind, key)),
        ("DELETE", at(kind, key)),
    ):
        refused = admin.send(method, path, {})
        assert (refused.status, refused.code) == (405, "MethodNotAllowed")
        assert refused.headers["Allow"] == admin.options(path).headers["Allow"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("logon", EVERYBODY)
@pytest.mark.parametrize(("kind", "base"), BASES.items())
def test_84_a_view_has_the_rows_of_its_base(logon: str, kind: str, base: str) -> None:
    wire = login(logon)
    keys = wire.keys(base, count=1000, orderBy="$key")
    assert wire.keys(kind, count=1000, orderBy="$key") == keys
    assert wire.entry(kind, count=0)["$totalResults"] == len(keys)


@pytest.mark.parametrize("logon", EVERYBODY)
@pytest.mark.parametrize(
    ("kind", "owner", "field"),
    [("vAddressCompany", "Company", "AdLi_CompanyId"), ("vAddressPerson", "Person", "AdLi_PersonId")],
)
def test_84_an_address_view_has_the_links_of_visible_owners(logon: str, kind: str, owner: str, field: str) -> None:
    wire = login(logon)
    visible = set(wire.keys(owner, count=1000))
    links = [entry["$key"] for entry in all_of(wire, "Address_Link") if entry[field] in visible]
    assert sorted(links) == wire.keys(kind, count=1000, orderBy="$key")
    hidden = set(login("admin").keys(kind, count=1000)) - set(links)
    for key in sorted(hidden)[:3]:
        assert wire.get(at(kind, key)).status == 404


@pytest.mark.parametrize("logon", EVERYBODY)
def test_84_columns_are_those_of_the_records_that_the_caller_sees(logon: str) -> None:
    wire = login(logon)
    people = {entry["$key"]: entry for entry in all_of(wire, "Person")}
    addresses = {entry["$key"]: entry for entry in all_of(wire, "Address")}
    companies = {entry["$key"]: entry for entry in all_of(wire, "Company")}
    nothing: dict[str, Any] = {}
    for entry in all_of(wire, "vCompanySummary"):
        person = people.get(entry["Comp_PrimaryPersonId"], nothing)
        address = addresses.get(entry["Comp_PrimaryAddressId"], nothing)
        assert entry["Pers_LastName"] == person.get("Pers_LastName")
        assert entry["Addr_City"] == address.get("Addr_City")
        assert entry["Addr_Country"] == address.get("Addr_Country")
        shared = set(companies[entry["$key"]]) & set(entry) - {"$url", "$etag", "$links"}
        assert {n: entry[n] for n in shared} == {n: companies[entry["$key"]][n] for n in shared}
    for entry in all_of(wire, "vPersonSummary"):
        assert entry["Comp_Name"] == companies.get(entry["Pers_CompanyId"], nothing).get("Comp_Name")


def test_84_the_columns_of_an_invisible_record_are_empty_and_found_by_nobody(olivia: Wire) -> None:
    company = olivia.keys("company", count=1)[0]
    mine = set(olivia.keys("person", count=1000))
    other = next(entry for entry in all_of(login("admin"), "Person") if entry["$key"] not in mine)
    system_rows(Company).filter(pk=company).update(primary_person=other["$key"])
    entry = olivia.entry(at("vCompanySummary", company))
    assert (entry["Comp_PrimaryPersonId"], entry["Pers_FirstName"], entry["Pers_LastName"]) == (None, None, None)
    wanted = f"$key eq {company} and pers_lastname eq '{other['Pers_LastName']}'"
    assert olivia.keys("vCompanySummary", where=wanted) == []
    assert login("admin").keys("vCompanySummary", where=wanted) == [company]
    assert company in olivia.keys("vCompanySummary", where="pers_lastname eq null", count=1000)
    ordered = olivia.keys("vCompanySummary", orderBy="pers_lastname,$key", count=1000)
    system_rows(Company).filter(pk=company).update(primary_person=None)
    assert olivia.keys("vCompanySummary", orderBy="pers_lastname,$key", count=1000) == ordered


def hide(kind: str, wire: str) -> None:
    FieldRule.objects.create(entity=kind, field=wire, read=False)


@pytest.mark.parametrize(
    ("kind", "wire", "view", "column"),
    [
        ("Person", "Pers_FirstName", "vCompanySummary", "Pers_FirstName"),
        ("Company", "Comp_PrimaryPersonId", "vCompanySummary", "Pers_FirstName"),
        ("Company", "Comp_Name", "vPersonSummary", "Comp_Name"),
        ("Company", "Comp_Name", "vAddressCompany", "Comp_Name"),
        ("Phone", "Phon_AreaCode", "vCompanySummary", "Comp_PhoneAreaCode"),
        ("Phone", "Phon_AreaCode", "vCompanySummary", "Comp_PhoneFullNumber"),
        ("Phone", "PLink_Type", "vPersonSummary", "Phon_MobileFullNumber"),
        ("Email", "ELink_RecordId", "vPersonSummary", "Pers_EmailAddress"),
        ("Address", "Addr_City", "vAddressPerson", "Addr_City"),
        ("Address_Link", "AdLi_AddressId", "vAddressPerson", "Addr_City"),
        ("NewProduct", "Prod_Code", "vNewProductPriceList", "Prod_Code"),
        ("Pricing", "Pric_Price_CID", "vNewProductPriceList", "Curr_Symbol"),
    ],
)
def test_84_a_column_whose_source_is_hidden_is_unknown(
    susan: Wire, kind: str, wire: str, view: str, column: str
) -> None:
    assert column in susan.entry(view, count=1)["$resources"][0]
    hide(kind, wire)
    assert column not in susan.entry(view, count=1)["$resources"][0]
    assert column not in susan.entry(f"$prototypes/{view}")["$properties"]
    for parameter, text in (("where", "{} eq 'x'"), ("orderBy", "{}"), ("select", "{}")):
        never = f"{column[:-1]}q"
        found = susan.get(view, **{parameter: text.format(column)})
        unknown = susan.get(view, **{parameter: text.format(never)})
        assert found.status == unknown.status == 400
        assert found.body.replace(column.encode(), never.encode()) == unknown.body
    assert column in login("admin").entry(view, count=1)["$resources"][0]


def test_84_hidden_columns_are_left_out_of_titles(susan: Wire) -> None:
    entry = susan.entry("vAddressCompany", where="addr_city ne null and addr_address1 ne null", count=1)["$resources"][
        0
    ]
    assert entry["$title"] == f"{entry['Addr_Address1']}, {entry['Addr_City']}"
    hide("Address", "Addr_City")
    assert susan.entry(entry["$url"])["$title"] == entry["Addr_Address1"]
    hide("Address", "Addr_Address1")
    assert susan.entry(entry["$url"])["$title"] == f"vAddressCompany {entry['$key']}"


def test_84_columns_of_an_unknown_kind_do_not_exist(susan: Wire) -> None:
    profiles = system_rows(User).get(logon="susan").groups.values("pk")
    ProfileRight.objects.filter(profile__in=profiles, entity="Person").delete()
    names = set(susan.entry("vCompanySummary", count=1)["$resources"][0])
    assert not {"Pers_FirstName", "Pers_LastName", "Person"} & names
    assert {"Comp_Name", "Addr_City", "Comp_PhoneNumber"} <= names
    assert susan.get("vPersonSummary").refusal == susan.get("person").refusal
    assert "vPersonSummary" not in susan.kinds()
    ProfileRight.objects.filter(profile__in=profiles, entity="Company").delete()
    assert not set(VIEWS) - {"vNewProductPriceList"} & set(susan.kinds())


def test_84_whoever_may_only_insert_knows_no_view(nora: Wire) -> None:
    profile = Profile.objects.create(group=Group.objects.create(name="Feeders"))
    profile.rights.all().delete()
    profile.rights.create(entity="Company", scope="everywhere", insert=True)
    system_rows(User).get(logon="nora").groups.add(profile.group)
    assert nora.kinds() == ["Company", "Custom_Captions"]
    assert nora.get("vCompanySummary").refusal == (404, "ResourceKindNotFound", "UnknownPath")


def test_84_the_telephone_of_a_summary_is_the_first_of_its_type(admin: Wire) -> None:
    for number, kind in (("1", "Fax"), ("2", "Business"), ("3", "Business"), ("4", "Mobile")):
        admin.post("person('30')/phone", {"phon_number": number, "$type": kind})
    system_rows(Phone).filter(owner_table=13, owner_id=30).exclude(number__in="1234").delete()
    entry = admin.entry("vPersonSummary('30')")
    found = (entry["Pers_PhoneNumber"], entry["Pers_FaxNumber"], entry["Phon_MobileFullNumber"])
    assert found == ("2", "1", "4")
    assert admin.keys("vPersonSummary", where="pers_phonenumber eq '3'") == []


@pytest.mark.parametrize("kind", VIEWS)
def test_84_a_page_of_a_view_costs_the_same_whatever_its_length(susan: Wire, kind: str) -> None:
    counts = set()
    for count in (1, 5, 40):
        susan.get(kind, count=count)
        with statements() as sent:
            assert susan.get(kind, count=count).status == 200
        counts.add(len(sent))
    assert len(counts) == 1


def test_84_pages_of_a_view_follow_its_columns(susan: Wire) -> None:
    whole = susan.keys("vCompanySummary", orderBy="addr_city,comp_phonenumber desc", count=1000)
    page = susan.entry("vCompanySummary", orderBy="addr_city,comp_phonenumber desc", count=4)
    walked = [entry["$key"] for entry in page["$resources"]]
    while "$next" in page["$links"]:
        page = susan.entry(page["$links"]["$next"]["$url"])
        walked += [entry["$key"] for entry in page["$resources"]]
    assert walked == whole


def test_queries_as_clients_of_sage_write_them(susan: Wire) -> None:
    """entities.md §10.17."""
    for entry in all_of(susan, "vAddressCompany", where="AdLi_CompanyId eq 43"):
        assert entry["Comp_Name"] == "Eurolandia"
    assert susan.keys("vaddresscompany", where="adli_companyid = 43 and addr_city like '%'")
    wanted = "prod_active eq true and prli_pricinglistid eq 1 and curr_currencyid eq 1"
    page = susan.entry("vNewProductPriceList", where=wanted, select="prod_code,prod_name,pric_price")
    assert page["$totalResults"] == len(
        susan.keys(
            "Pricing", where="pric_pricinglistid eq 1 and pric_price_cid eq 1 and NewProduct.Prod_Active", count=1000
        )
    )
    assert {frozenset(entry) for entry in page["$resources"]} == {
        frozenset({"$key", "$title", "$url", "Prod_Code", "Prod_Name", "Pric_Price"})
    }
    prices = susan.entry("pricing", where="pric_productid eq 1 and pric_active eq true", select="pric_price")
    assert prices["$totalResults"]
