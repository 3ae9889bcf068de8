"""Sub-paths: collections, their members, and what a reference names (contract.md §15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entities.models import AddressLink, Company, Person
from entities.registry import registry
from security.gate import system_rows
from security.models import FieldRule
from tests.api.twins import keys, kinds
from tests.api.wire import ROOT, Wire, at, login

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPANY = at("Company", 2)


def collections(logon: str) -> Iterator[tuple[str, Any]]:
    for kind in kinds(logon):
        for item in registry()[kind].collections:
            if item.by and not item.via:
                yield kind, item


@pytest.mark.parametrize("logon", ["admin", "susan", "olivia"])
def test_83_a_collection_is_the_feed_filtered_by_its_parent(logon: str) -> None:
    wire = login(logon)
    for kind, item in collections(logon):
        if item.kind in kinds(logon):
            field = registry()[item.kind].by_name[item.by].wire
            for key in keys(logon, kind)[:3]:
                below = wire.entry(f"{at(kind, key)}/{item.kind}", orderBy="$key desc")
                beside = wire.entry(item.kind, where=f"{field} eq {key}", orderBy="$key desc")
                assert below["$resources"] == beside["$resources"], (kind, item.kind)
                assert below["$totalResults"] == beside["$totalResults"]


def test_83_a_collection_takes_the_parameters_of_a_feed(susan: Wire) -> None:
    system_rows(Person).filter(pk__in=susan.keys("person", count=8)).update(company=2)
    there = f"{COMPANY}/person"
    everything = susan.keys(there, orderBy="pers_lastname")
    assert len(everything) >= 8
    assert susan.keys(there, orderBy="pers_lastname", count=2, startIndex=2) == everything[1:3]
    assert susan.keys(there, where=f"$key eq {everything[0]}") == everything[:1]
    feed = susan.entry(there, select="pers_lastname", include="company", count=1)
    assert set(feed["$resources"][0]) == {"$key", "$title", "$url", "Pers_LastName", "Company"}
    assert feed["$links"]["$self"]["$url"].startswith(f"{ROOT}/{COMPANY}/Person?")
    assert susan.get(there, foo=1).code == "UnknownParameter"
    assert susan.get(there, where="pers_nosuch eq 1").code == "UnknownName"


@pytest.mark.parametrize("name", ["person", "people", "PERSONS", "personCollection", "personcollection", "Person"])
def test_83_a_collection_has_many_names(susan: Wire, name: str) -> None:
    assert susan.get(f"{COMPANY}/{name}").json == susan.get(f"{COMPANY}/Person").json
    assert susan.get(f"{COMPANY}/{name}('2')").body == susan.get(at("Person", 2)).body


def test_83_a_reference_leads_to_its_record(susan: Wire) -> None:
    entry = susan.entry("cases?where=case_primarycompanyid ne null&count=1")["$resources"][0]
    there = f"{at('Cases', entry['$key'])}/company"
    assert susan.entry(there) == susan.entry(at("Company", entry["Case_PrimaryCompanyId"]))
    assert susan.get(f"{there}('2')").status == 404
    assert susan.get(f"{there}?select=comp_name").json["Comp_Name"]
    tag = susan.get(there).headers["ETag"]
    assert susan.get(there, headers={"If-None-Match": tag}).status == 304


def test_83_an_empty_reference_leads_nowhere(susan: Wire) -> None:
    made = susan.post("person", {"pers_lastname": "x"}).json
    assert susan.get(f"{made['$url']}/company").refusal == (404, "ApplicationDiagnosis", "RecordNotFound")
    assert susan.get(f"{made['$url']}/createdby").json["User_Logon"] == "susan"


def test_83_below_an_invisible_parent_there_is_nothing(olivia: Wire) -> None:
    hidden = next(key for key in keys("admin", "Company") if key not in keys("olivia", "Company"))
    for path in ("person", "person('1')", "address", "users", "cases"):
        for parent in (hidden, 999999999):
            answer = olivia.get(f"{at('Company', parent)}/{path}")
            assert answer.refusal == (404, "ApplicationDiagnosis", "RecordNotFound")
    assert olivia.post(f"{at('Company', hidden)}/person", {"pers_lastname": "x"}).status == 404
    assert not system_rows(Person).filter(last_name="x").exists()


def test_83_a_member_belongs_to_its_parent(susan: Wire) -> None:
    other = next(key for key in keys("susan", "Person") if susan.entry(at("Person", key))["Pers_CompanyId"] != 2)
    for method in ("GET", "PATCH", "DELETE"):
        answer = susan.send(method, f"{COMPANY}/person('{other}')", {"pers_firstname": "Changed"})
        assert answer.refusal == (404, "ApplicationDiagnosis", "RecordNotFound")
    assert system_rows(Person).get(pk=other).first_name != "Changed"


def test_83_a_member_is_changed_and_deleted_where_it_belongs(admin: Wire) -> None:
    answer = admin.patch(f"{COMPANY}/person('2')", {"pers_firstname": "Changed"})
    assert (answer.status, answer.json["Pers_FirstName"]) == (200, "Changed")
    assert answer.json == admin.entry(at("Person", 2))
    assert admin.delete(f"{COMPANY}/person('2')").status == 204
    assert admin.get(at("Person", 2)).status == 404


class TestCreate:
    """``POST`` to a collection presets the parent."""

    def test_83_the_parent_is_set(self, susan: Wire) -> None:
        made = susan.post(f"{COMPANY}/person", {"pers_lastname": "New"})
        assert (made.status, made.json["Pers_CompanyId"]) == (201, 2)
        assert made.headers["Location"] == made.json["$url"]

    @pytest.mark.parametrize("body", [{"pers_companyid": 2}, {"Company": {"$key": 2}}, {"Pers_CompanyId": "2"}])
    def test_83_the_same_parent_in_the_body_is_fine(self, susan: Wire, body: dict[str, Any]) -> None:
        assert susan.post(f"{COMPANY}/person", {"pers_lastname": "New"} | body).status == 201

    @pytest.mark.parametrize("body", [{"pers_companyid": 10}, {"Company": {"$key": 10}}, {"pers_companyid": 999999999}])
    def test_83_another_is_a_conflict(self, susan: Wire, body: dict[str, Any]) -> None:
        answer = susan.post(f"{COMPANY}/person", {"pers_lastname": "New"} | body)
        assert answer.refusal == (400, "ApplicationDiagnosis", "ConflictingMembers")

    def test_83_a_phone_belongs_to_its_owner(self, susan: Wire) -> None:
        made = susan.post(f"{COMPANY}/phone", {"phon_number": "123", "$type": "fax"})
        assert made.status == 201
        assert (made.json["PLink_EntityId"], made.json["PLink_RecordId"], made.json["PLink_Type"]) == (5, 2, "Fax")
        assert made.json["Company"]["$key"] == 2
        conflict = susan.post(f"{COMPANY}/phone", {"phon_number": "123", "plink_entityid": 13})
        assert conflict.codes == ["ConflictingMembers"]

    def test_83_an_address_comes_with_its_link(self, susan: Wire) -> None:
        made = susan.post(f"{COMPANY}/address", {"addr_city": "Cork", "$type": "shipping", "$isDefault": True})
        assert made.status == 201
        link = AddressLink.objects.get(address=made.json["$key"])
        assert (link.company_id, link.person_id, link.type) == (2, None, "Shipping")
        assert susan.entry(COMPANY)["Comp_PrimaryAddressId"] == made.json["$key"]
        assert made.json["$key"] in susan.keys(f"{COMPANY}/address")

    def test_83_the_default_person_becomes_the_primary_one(self, susan: Wire) -> None:
        made = susan.post(f"{COMPANY}/person", {"pers_lastname": "New", "$isDefault": True})
        assert susan.entry(COMPANY)["Comp_PrimaryPersonId"] == made.json["$key"]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({"$type": "nosuch"}, "NotAChoice"),
            ({"$type": 5}, "NotAChoice"),
            ({"$isDefault": "yes"}, "WrongType"),
            ({"$isDefault": 1}, "WrongType"),
        ],
    )
    def test_83_wrong_marks_are_refused_and_nothing_is_stored(
        self, susan: Wire, body: dict[str, Any], code: str
    ) -> None:
        before = system_rows(AddressLink).count()
        answer = susan.post(f"{COMPANY}/address", {"addr_city": "Cork"} | body)
        assert (answer.status, answer.codes) == (400, [code])
        assert system_rows(AddressLink).count() == before

    def test_72_an_owned_child_needs_edit_on_its_parent(self, peter: Wire, olivia: Wire) -> None:
        assert peter.post(f"{COMPANY}/phone", {"phon_number": "1"}).refusal == (
            403,
            "ApplicationDiagnosis",
            "NotPermitted",
        )
        locked = next(e for e in olivia.entry("company", count=1000)["$resources"] if "$edit" not in e["$links"])
        for collection, body in (("phone", {"phon_number": "1"}), ("address", {"addr_city": "x"})):
            assert "$insert" not in olivia.entry(f"{locked['$url']}/{collection}")["$links"]
            assert olivia.post(f"{locked['$url']}/{collection}", body).status == 403

    def test_83_a_collection_over_a_field_that_is_read_only_takes_nothing(self, susan: Wire) -> None:
        FieldRule.objects.create(entity="Person", field="Pers_CompanyId", write=False)
        assert "$insert" not in susan.entry(f"{COMPANY}/person")["$links"]
        assert susan.post(f"{COMPANY}/person", {"pers_lastname": "x"}).status == 403

    def test_83_a_collection_over_a_hidden_field_does_not_exist(self, susan: Wire) -> None:
        FieldRule.objects.create(entity="Person", field="Pers_CompanyId", read=False)
        for path in (f"{COMPANY}/person", f"{COMPANY}/person('2')", f"{COMPANY}/personcollection"):
            # the relation Person of a company is its primary person, which stays
            assert susan.get(path).status in (200, 404)
        assert "PersonCollection" not in susan.entry(COMPANY)["$links"]
        assert susan.get("company", include="personcollection").code == "UnknownName"


def test_rows_of_a_view_of_children_follow_their_owner(olivia: Wire) -> None:
    for kind, owner in (("Phone", "PLink"), ("Email", "ELink"), ("PhoneLink", "PLink"), ("EmailLink", "ELink")):
        for entry in olivia.entry(kind, count=1000)["$resources"]:
            parent = "Company" if entry[f"{owner}_EntityId"] == 5 else "Person"
            assert entry[f"{owner}_RecordId"] in keys("olivia", parent)


def test_a_shared_address_shows_only_the_owner_that_is_seen(admin: Wire, olivia: Wire) -> None:
    mine = keys("olivia", "Company")[0]
    hidden = next(key for key in keys("admin", "Company") if key not in keys("olivia", "Company"))
    address = olivia.keys(f"{at('Company', mine)}/address")[0]
    admin.post("address_link", {"adli_addressid": address, "adli_companyid": hidden, "adli_type": "Home"})
    links = olivia.entry(f"{at('Address', address)}/address_link")["$resources"]
    assert {link["AdLi_CompanyId"] for link in links} <= {*keys("olivia", "Company"), None}
    assert len(links) < admin.entry(f"{at('Address', address)}/address_link", count=0)["$totalResults"]
    assert system_rows(Company).filter(pk=hidden).exists()
