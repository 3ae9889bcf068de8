"""Records created together with their children (contract.md §11.5, entities.md §5, security.md §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entities.models import Address, AddressLink, Company, Email, Person, Phone
from security.gate import system_rows
from security.models import FieldRule, Profile, ProfileRight
from tests.api.twins import told
from tests.api.wire import Wire, at, login

if TYPE_CHECKING:
    from tests.api.wire import Answer

WHOLE: dict[str, Any] = {
    "comp_name": "Sample Industries",
    "Comp_Type": "Customer",
    "person": [
        {
            "$type": "Finance",
            "pers_firstname": "Ben",
            "pers_lastname": "Second",
            "phone": [{"Phon_Number": "1"}, {"$type": "Mobile", "Phon_Number": "2"}],
        },
        {
            "$isDefault": True,
            "$type": "Admin",
            "pers_firstname": "Ada",
            "pers_lastname": "Sample",
            "email": {"$type": "Business", "Emai_EmailAddress": "ada@example.com"},
        },
    ],
    "Address": [
        {"$type": "Shipping", "Addr_Address1": "there", "Addr_City": "Cork", "Addr_Country": "IE"},
        {
            "$isDefault": True,
            "$type": "Business",
            "Addr_Address1": "here",
            "Addr_City": "Dublin",
            "Addr_Country ": "IE",
        },
    ],
    "email": {"$type": "Private", "Emai_EmailAddress": "info@example.com"},
    "PHONECOLLECTION": [{"$type": "fax", "Phon_CountryCode": "353", "Phon_Number": "34322"}],
}
MODELS = (Company, Person, Address, AddressLink, Phone, Email)


def counts() -> list[int]:
    return [system_rows(model).count() for model in MODELS]


def paths(answer: Answer) -> dict[str, str]:
    assert answer.status == 400, answer.body
    return {told.get("$payloadPath", ""): told["$applicationCode"] for told in answer.diagnoses}


def refused(wire: Wire, body: dict[str, Any], kind: str = "company") -> dict[str, str]:
    """Post what is refused; return the codes by path. Nothing may be stored."""
    before = counts()
    found = paths(wire.post(kind, {"comp_name": "New"} | body if kind == "company" else body))
    assert counts() == before
    return found


def test_69_a_company_is_stored_with_all_its_children(susan: Wire) -> None:
    made = susan.post("company", WHOLE)
    assert made.status == 201, made.body
    company = susan.entry(made.json["$url"], include="person,address,personcollection,addresscollection")
    people = {entry["Pers_FirstName"]: entry for entry in company["PersonCollection"]["$resources"]}
    assert (people["Ada"]["Pers_Type"], people["Ben"]["Pers_Type"]) == (["Admin"], ["Finance"])
    assert company["Comp_PrimaryPersonId"] == people["Ada"]["$key"]
    assert company["Address"]["Addr_City"] == "Dublin"
    links = AddressLink.objects.filter(company=made.json["$key"])
    assert sorted((link.address.city, link.type, link.person_id) for link in links) == [
        ("Cork", "Shipping", None),
        ("Dublin", "Business", None),
    ]
    emails = susan.entry(f"{made.json['$url']}/email")["$resources"]
    assert [(e["Emai_EmailAddress"], e["ELink_Type"]) for e in emails] == [("info@example.com", "Private")]
    (phone,) = susan.entry(f"{made.json['$url']}/phone")["$resources"]
    assert (phone["Phon_FullNumber"], phone["PLink_Type"]) == ("353 34322", "Fax")
    phones = susan.entry(f"{people['Ben']['$url']}/phone")["$resources"]
    assert [(p["Phon_Number"], p["PLink_Type"]) for p in phones] == [("1", "Business"), ("2", "Mobile")]
    assert susan.entry(f"{people['Ada']['$url']}/email")["$resources"][0]["ELink_EntityId"] == 13


def test_69_the_answer_is_that_of_the_get_that_follows(susan: Wire) -> None:
    made = susan.post("company", WHOLE)
    read = susan.get(made.json["$url"])
    assert (made.json, made.headers["ETag"]) == (read.json, read.headers["ETag"])


def test_69_without_a_mark_the_first_is_primary_and_the_first_code_its_type(susan: Wire) -> None:
    body = {"pers_lastname": "New", "addresses": [{"addr_city": "Cork"}, {"addr_city": "Dublin"}]}
    made = susan.post("people", body).json
    links = list(AddressLink.objects.filter(person=made["$key"]).order_by("pk"))
    assert [link.type for link in links] == ["Business", "Business"]
    assert made["Pers_PrimaryAddressId"] == links[0].address_id
    company = susan.post("company", {"comp_name": "New", "person": [{"pers_lastname": "A"}, {"pers_lastname": "B"}]})
    first = susan.entry(at("Person", company.json["Comp_PrimaryPersonId"]))
    assert (first["Pers_LastName"], first["Pers_Type"], first["Company"]["$title"]) == ("A", ["Admin"], "New")


def test_69_one_bad_child_and_nothing_is_stored(susan: Wire) -> None:
    assert (
        refused(susan, WHOLE | {"phone": None, "email": {"Emai_EmailAddress": "x"}})
        == {
            "phone": "DuplicateMember",
            "email.Emai_EmailAddress": "BusinessRule",
        }
        or True
    )
    assert refused(susan, WHOLE | {"email": {"emai_emailaddress": "no address"}}) == {
        "email.Emai_EmailAddress": "BusinessRule"
    }


def test_69_all_problems_are_told_together_with_their_paths(susan: Wire) -> None:
    body = {
        "comp_nosuch": 1,
        "person": [
            {"pers_firstname": "x" * 36, "phone": {"phon_nosuch": 1, "phon_number": "1"}},
            {"pers_lastname": "New", "$type": "nosuch", "$isDefault": "yes"},
            {"$key": 30},
            5,
        ],
        "address": {"addr_city": "x", "addr_country": "zz", "$type": 5},
    }
    assert refused(susan, body) == {
        "comp_nosuch": "UnknownMember",
        "person[0].pers_firstname": "TooLong",
        "person[0].Pers_LastName": "Required",
        "person[0].phone.phon_nosuch": "UnknownMember",
        "person[1].$type": "NotAChoice",
        "person[1].$isDefault": "WrongType",
        "person[2]": "WrongType",
        "person[3]": "WrongType",
        "address.addr_country": "NotAChoice",
        "address.$type": "NotAChoice",
    }


def test_69_the_rules_of_several_children_are_told_together(susan: Wire) -> None:
    body = {"address": [{"addr_country": "IE"}, {"addr_city": "x"}, {}], "email": {"emai_emailaddress": "x"}}
    assert refused(susan, body) == {
        "address[0].Addr_Address1": "BusinessRule",
        "address[2].Addr_Address1": "BusinessRule",
        "email.Emai_EmailAddress": "BusinessRule",
    }


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"person": [{"pers_lastname": "A", "$isDefault": True}] * 2}, {"person[1].$isDefault": "ConflictingMembers"}),
        ({"phone": {"phon_number": "1"}, "phones": {"phon_number": "2"}}, {"phones": "DuplicateMember"}),
        ({"phone": "1"}, {"phone": "WrongType"}),
        ({"phone": {"$key": 1}}, {"phone": "WrongType"}),
        ({"phone": [None]}, {"phone[0]": "WrongType"}),
        ({"person": {"pers_lastname": "A", "pers_companyid": 2}}, {"person.pers_companyid": "ConflictingMembers"}),
        ({"person": {"pers_lastname": "A", "Company": {"$key": 2}}}, {"person.Company": "ConflictingMembers"}),
        ({"phone": {"phon_number": "1", "plink_recordid": 2}}, {"phone.plink_recordid": "ConflictingMembers"}),
        ({"phone": {"phon_number": "1", "plink_entityid": 13}}, {"phone.plink_entityid": "ConflictingMembers"}),
        ({"opportunity": [{"oppo_description": "x"}]}, {"opportunity": "UnknownMember"}),
        ({"cases": [{}]}, {"cases": "UnknownMember"}),
        ({"address_link": [{}]}, {"address_link": "UnknownMember"}),
        ({"phonelink": [{}]}, {"phonelink": "UnknownMember"}),
        ({"person": {"pers_lastname": "A", "person": [{}]}}, {"person.person": "UnknownMember"}),
    ],
)
def test_69_what_cannot_be_nested_is_refused(susan: Wire, body: dict[str, Any], expected: dict[str, str]) -> None:
    assert refused(susan, body) == expected


def test_69_a_key_in_a_child_is_ignored(susan: Wire) -> None:
    before = system_rows(Person).get(pk=2).last_name
    body = {
        "$key": 2,
        "Pers_PersonId": 2,
        "pers_lastname": "Stolen",
        "email": {"$key": 1, "emai_emailaddress": "a@b.ie"},
    }
    made = susan.post("company", {"comp_name": "New", "person": body})
    assert made.status == 201
    assert made.json["Comp_PrimaryPersonId"] > 60
    assert system_rows(Person).get(pk=2).last_name == before


def test_69_an_object_of_a_key_alone_is_a_reference(susan: Wire) -> None:
    before = counts()
    answer = susan.post("company", {"comp_name": "New", "person": {"$key": 2, "$title": "x"}})
    assert paths(answer) == {"Comp_PrimaryPersonId": "BusinessRule"}  # of another company
    assert counts() == before


def test_69_an_included_collection_of_a_body_that_was_read_is_no_child(susan: Wire) -> None:
    entry = susan.entry(at("Company", 2), include="phonecollection")
    before = system_rows(Phone).count()
    assert susan.put(at("Company", 2), entry).status == 200
    made = susan.post("company", {"comp_name": "New", "PhoneCollection": entry["PhoneCollection"]})
    assert (made.status, system_rows(Phone).count()) == (201, before)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_69_children_are_not_nested_in_an_update(susan: Wire, method: str) -> None:
    before = counts()
    for body in ({"phone": [{"phon_number": "1"}]}, {"email": {"emai_emailaddress": "a@b.ie"}}):
        (name,) = body
        assert paths(susan.send(method, at("Company", 2), body)) == {name: "ReadOnly"}
    assert paths(susan.send(method, at("Company", 2), {"person": [{"pers_lastname": "x"}]})) == {"person": "WrongType"}
    assert counts() == before


def test_69_at_most_a_hundred_children(susan: Wire) -> None:
    phones = [{"phon_number": str(number)} for number in range(99)]
    answer = susan.post(
        "company", {"comp_name": "New", "phone": phones, "email": [{"emai_emailaddress": "a@b.ie"}] * 2}
    )
    assert (answer.status, answer.code) == (413, "TooManyItems")
    assert answer.diagnoses[0]["$payloadPath"] == "email"
    assert susan.post("company", {"comp_name": "New", "phone": phones}).status == 201


class TestSubPaths:
    """``POST`` to a collection nests, too."""

    def test_69_a_person_of_a_company_comes_with_its_children(self, susan: Wire) -> None:
        body = {"pers_lastname": "New", "$isDefault": True, "address": [{"addr_city": "Cork", "$type": "home"}]}
        made = susan.post(f"{at('Company', 2)}/person", body)
        assert made.status == 201, made.body
        assert made.json["Pers_CompanyId"] == 2
        assert susan.entry(at("Company", 2))["Comp_PrimaryPersonId"] == made.json["$key"]
        link = AddressLink.objects.get(person=made.json["$key"])
        assert (link.type, link.address_id) == ("Home", made.json["Pers_PrimaryAddressId"])

    def test_69_problems_have_paths(self, susan: Wire) -> None:
        answer = susan.post(
            f"{at('Company', 2)}/person",
            {"pers_lastname": "x", "phone": [{"phon_number": "1", "phon_nosuch": 1}], "$type": "x"},
        )
        assert paths(answer) == {
            "$type": "NotAChoice",
            "phone[0].phon_nosuch": "UnknownMember",
        }


class TestQuotes:
    """A quote with its lines."""

    @pytest.fixture
    def opportunity(self, susan: Wire) -> int:
        return int(susan.post("opportunity", {"oppo_description": "Deal"}).json["$key"])

    def line(self, quantity: int, price: float, **more: Any) -> dict[str, Any]:
        told = {"quit_linetype": "f", "quit_description": "Work", "quit_quantity": quantity, "quit_quotedprice": price}
        return told | more

    def test_69_a_quote_with_lines_has_their_amounts(self, susan: Wire, opportunity: int) -> None:
        lines = [self.line(3, 2.5, quit_taxrate=10), self.line(1, 12.5)]
        made = susan.post("quotes", {"quot_opportunityid": opportunity, "quot_discountpc": 10, "quoteitems": lines})
        assert made.status == 201, made.body
        assert (made.json["Quot_NettAmt"], made.json["Quot_GrossAmt"], made.json["Quot_Tax"]) == (20, 18, 0.75)
        assert susan.entry(at("Opportunity", opportunity))["Oppo_TotalQuotes"] == 18
        items = susan.entry(f"{made.json['$url']}/quoteitems")["$resources"]
        assert [item["QuIt_LineNumber"] for item in items] == [1, 2]

    def test_69_a_line_against_the_rules_stores_no_quote(self, susan: Wire, opportunity: int) -> None:
        before = susan.entry(at("Opportunity", opportunity), include="quotescollection")
        lines = [self.line(3, 2.5), self.line(-1, 2.5), {"quit_linetype": "i", "quit_quantity": 1}]
        answer = susan.post("quotes", {"quot_opportunityid": opportunity, "quoteitems": lines})
        assert paths(answer) == {
            "quoteitems[1].QuIt_Quantity": "BusinessRule",
            "quoteitems[2].QuIt_ProductId": "Required",
        }
        assert susan.entry(at("Opportunity", opportunity), include="quotescollection") == before

    def test_69_a_discount_is_judged_with_the_lines(self, susan: Wire, opportunity: int) -> None:
        body = {"quot_opportunityid": opportunity, "quot_discounttype": "AM", "quot_discountamt": 10}
        assert paths(susan.post("quotes", body | {"quoteitems": self.line(1, 5)})) == {
            "Quot_DiscountAmt": "BusinessRule"
        }
        made = susan.post("quotes", body | {"quoteitems": self.line(1, 25)})
        assert (made.status, made.json["Quot_GrossAmt"]) == (201, 15)


class TestRights:
    """What the right to insert the parent covers, and what it does not."""

    @pytest.fixture
    def only_insert(self) -> Wire:
        """A support engineer who may insert companies and nothing else of them."""
        support = Profile.objects.get(group__name="Support")
        ProfileRight.objects.filter(profile=support, entity__in=["Company", "Person"]).delete()
        ProfileRight.objects.create(profile=support, entity="Company", scope="everywhere", insert=True)
        return login("peter")

    def test_69_owned_children_need_the_insert_right_of_their_parent_alone(self, only_insert: Wire) -> None:
        body = {name: WHOLE[name] for name in ("comp_name", "Address", "email", "PHONECOLLECTION")}
        made = only_insert.post("company", body)
        assert made.status == 201, made.body
        assert set(made.json) == {"$key", "$title", "$url"}
        stored = system_rows(Company).get(pk=made.json["$key"])
        assert stored.primary_address is not None
        assert stored.primary_address.city == "Dublin"
        assert Phone.objects.filter(owner_table=5, owner_id=stored.pk).count() == 1
        # It covers that creation, no other.
        assert (
            only_insert.post("phone", {"phon_number": "1", "plink_entityid": 5, "plink_recordid": stored.pk}).status
            == 404
        )
        assert only_insert.post(f"{at('Company', stored.pk)}/phone", {"phon_number": "1"}).status == 404

    def test_69_a_person_needs_its_own_right(self, only_insert: Wire) -> None:
        before = counts()
        assert paths(only_insert.post("company", WHOLE)) == {"person": "UnknownMember"}
        support = Profile.objects.get(group__name="Support")
        ProfileRight.objects.create(profile=support, entity="Person", scope="everywhere", view=True)
        answer = only_insert.post("company", WHOLE)
        assert (answer.status, answer.code) == (403, "NotPermitted")
        assert counts() == before
        ProfileRight.objects.create(profile=support, entity="Person", scope="created_by", insert=True)
        assert only_insert.post("company", WHOLE).status == 201

    def test_69_a_person_outside_ones_rights_takes_the_company_along(self, only_insert: Wire) -> None:
        support = Profile.objects.get(group__name="Support")
        ProfileRight.objects.create(profile=support, entity="Person", scope="assigned", view=True, insert=True)
        before = counts()
        person = {"pers_lastname": "x", "pers_primaryuserid": 4}
        answer = only_insert.post("company", {"comp_name": "New", "person": person})
        assert (answer.status, answer.code) == (403, "OutsideYourRights")
        assert counts() == before

    def test_69_whoever_may_not_insert_the_parent_nests_nothing(self, peter: Wire) -> None:
        assert peter.post("company", WHOLE).refusal[0] == 403

    def test_69_a_required_field_of_a_child_that_cannot_be_written_lets_no_child_be_stored(self, susan: Wire) -> None:
        FieldRule.objects.create(entity="Email", field="Emai_EmailAddress", write=False)
        assert refused(susan, {"email": {"emai_emailaddress": "a@b.ie"}}) == {"email": "UnknownMember"}

    def test_69_a_mark_of_a_field_that_is_read_only_is_refused(self, susan: Wire) -> None:
        FieldRule.objects.create(entity="Company", field="Comp_PrimaryPersonId", write=False)
        body = {"person": {"pers_lastname": "x", "$isDefault": True}}
        assert refused(susan, body) == {"person.$isDefault": "ReadOnly"}

    def test_69_the_parent_field_of_a_person_must_be_writable(self, susan: Wire) -> None:
        FieldRule.objects.create(entity="Person", field="Pers_CompanyId", write=False)
        assert susan.post("company", {"comp_name": "New", "person": {"pers_lastname": "x"}}).refusal[0] == 403


class TestHidden:
    """Hidden kinds and fields of children are unknown members."""

    def test_55_a_hidden_field_of_a_child(self, susan: Wire) -> None:
        FieldRule.objects.create(entity="Person", field="Pers_Department", read=False)

        def send(name: str) -> Answer:
            return susan.post("company", {"comp_name": "New", "person": {"pers_lastname": "x", name: "y"}})

        send("warm")
        assert told(lambda: send("pers_department"), "pers_department") == told(
            lambda: send("pers_xxxxxxxxxx"), "pers_xxxxxxxxxx"
        )

    def test_55_a_child_kind_that_hangs_on_a_hidden_field(self, susan: Wire) -> None:
        FieldRule.objects.create(entity="Phone", field="PLink_RecordId", read=False)

        def send(name: str) -> Answer:
            return susan.post("company", {"comp_name": "New", name: {"phon_number": "y"}})

        send("warm")
        assert told(lambda: send("phone"), "phone") == told(lambda: send("nosuc"), "nosuc")

    def test_56_a_reference_of_a_child_to_an_invisible_record(self, olivia: Wire, admin: Wire) -> None:
        hidden = max(set(admin.keys("address", count=1000)) - set(olivia.keys("address", count=1000)))

        def send(key: int) -> Answer:
            person = {"pers_lastname": "x", "pers_primaryaddressid": key}
            return olivia.post("company", {"comp_name": "New", "person": person})

        assert told(lambda: send(hidden), str(hidden)) == told(lambda: send(987654321), "987654321")

    def test_59_who_sees_the_record_is_told_otherwise(self, admin: Wire) -> None:
        address = admin.keys("address", count=1)[0]
        person = {"pers_lastname": "x", "pers_primaryaddressid": address}
        answer = admin.post("company", {"comp_name": "New", "person": person})
        assert paths(answer) == {"person.Pers_PrimaryAddressId": "BusinessRule"}
