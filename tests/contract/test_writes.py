"""Writes: create, change, delete, and every refusal of a body (contract.md §11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group

from entities.models import Case, Company, Person, Quote
from security.gate import system_rows
from security.models import Change, FieldRule, Profile
from tests.api.twins import editable, keys
from tests.api.wire import ROOT, Wire, at, login

if TYPE_CHECKING:
    from tests.api.wire import Answer

COMPANY = at("Company", 2)
STRICT = {"Prefer": "handling=strict"}

NEW: dict[str, dict[str, Any]] = {
    "Company": {"comp_name": "New"},
    "Person": {"pers_lastname": "New"},
    "Cases": {"case_description": "New"},
    "Opportunity": {"oppo_description": "New"},
    "Address": {"addr_city": "Cork"},
    "Phone": {"plink_entityid": 5, "plink_recordid": 2, "phon_number": "123"},
    "Email": {"elink_entityid": 5, "elink_recordid": 2, "emai_emailaddress": "new@example.com"},
}


def company(key: int) -> dict[str, Any]:
    """Return the stored columns of a company."""
    return dict(system_rows(Company).filter(pk=key).values().get())


def problems(answer: Answer) -> dict[str, str]:
    """Return {path: code} of a refusal."""
    assert answer.status == 400
    return {told.get("$payloadPath", ""): told["$applicationCode"] for told in answer.diagnoses}


@pytest.mark.parametrize("kind", list(NEW))
def test_61_a_new_record_is_answered_as_it_is_read(susan: Wire, kind: str) -> None:
    made = susan.post(kind, NEW[kind])
    assert made.status == 201, made.body
    assert made.headers["Location"] == made.json["$url"] == f"{ROOT}/{at(kind, made.json['$key'])}"
    read = susan.get(made.headers["Location"])
    assert (read.json, read.headers["ETag"]) == (made.json, made.headers["ETag"])


def test_61_a_new_record_is_stamped_with_caller_and_time(susan: Wire) -> None:
    made = susan.post("company", NEW["Company"]).json
    assert made["Comp_CreatedBy"] == made["Comp_UpdatedBy"] == made["Comp_PrimaryUserId"] == 4
    assert made["Comp_CreatedDate"] == made["Comp_UpdatedDate"] == made["$updated"]
    assert (made["Comp_Type"], made["Comp_Status"], made["Comp_ChannelId"]) == ("Prospect", "Active", 1)


def test_a_quote_with_a_line_is_made_over_the_wire(susan: Wire) -> None:
    opportunity = susan.keys("opportunity", count=1)[0]
    quote = susan.post("quotes", {"quot_opportunityid": opportunity})
    assert quote.status == 201, quote.body
    line = susan.post(
        "quoteitems",
        {"quit_orderquoteid": quote.json["$key"], "quit_linetype": "f", "quit_description": "x"}
        | {"quit_quantity": 3, "quit_quotedprice": 2.5, "quit_taxrate": 10},
    )
    assert (line.status, line.json["QuIt_QuotedPriceTotal"], line.json["QuIt_Tax"]) == (201, 7.5, 0.75)
    assert susan.entry(quote.json["$url"])["Quot_GrossAmt"] == 7.5


def test_62_a_body_of_a_client_that_posts_whole_records_is_accepted(susan: Wire) -> None:
    noise = {"$key": 0, "$totalResults": 5, "$title": None, "Comp_CompanyId": 0, "$nosuch": {"a": [1]}, "$etag": "x"}
    made = susan.post("company", noise | {"comp_name": "New"})
    assert (made.status, made.json["$key"] > 60) == (201, True)
    changed = susan.put(COMPANY, noise | {"comp_intid": 3})
    assert (changed.status, changed.json["$key"], changed.json["Comp_IntId"]) == (200, 2, 3)


def test_62_both_verbs_change_what_is_sent_and_never_create(susan: Wire) -> None:
    for method in ("PUT", "PATCH"):
        assert susan.send(method, "company('999999999')", {"comp_name": "New"}).status == 404
    assert not system_rows(Company).filter(name="New").exists()


def test_63_all_problems_are_told_together_with_their_paths(susan: Wire) -> None:
    body = {
        "comp_name": "x" * 61,
        "comp_nosuch": 1,
        "comp_type": "zz",
        "comp_optout": 1,
        "comp_primarypersonid": 999999,
    }
    for answer in (susan.patch(COMPANY, body), susan.post("company", body)):
        assert problems(answer) == {
            "comp_name": "TooLong",
            "comp_nosuch": "UnknownMember",
            "comp_type": "NotAChoice",
            "comp_optout": "WrongType",
            "comp_primarypersonid": "BadReference",
        }


def test_63_a_refused_body_changes_nothing(susan: Wire) -> None:
    before, changes = susan.get(COMPANY).body, Change.objects.count()
    assert susan.patch(COMPANY, {"comp_name": "Other", "comp_nosuch": 1}).status == 400
    assert susan.post("company", {"comp_name": "Other", "comp_nosuch": 1}).status == 400
    assert susan.get(COMPANY).body == before
    assert Change.objects.count() == changes
    assert not system_rows(Company).filter(name="Other").exists()


def test_64_a_write_that_changes_nothing_writes_nothing(susan: Wire) -> None:
    before = company(2)
    changes = Change.objects.count()
    for body in ({}, {"comp_name": before["name"]}, {"comp_type": before["type"].upper()}, susan.entry(COMPANY)):
        assert susan.put(COMPANY, body).status == 200
    assert company(2) == before
    assert Change.objects.count() == changes


def test_64_olivia_puts_back_what_she_sees_of_hidden_fields_and_invisible_references(olivia: Wire) -> None:
    before = company(2)
    seen = olivia.entry(COMPANY)
    assert before["revenue"]
    assert before["primary_person_id"]
    assert (seen.get("Comp_Revenue"), seen["Comp_PrimaryPersonId"]) == (None, None)
    assert olivia.put(COMPANY, seen | {"Comp_IntId": 1}).status == 200
    after = company(2)
    assert {name for name in after if after[name] != before[name]} <= {"int_id", "updated_at", "updated_by_id"}


def test_an_invisible_reference_is_replaced_by_a_visible_one(olivia: Wire) -> None:
    """``null`` put back leaves it, a visible key replaces it (contract.md §10.3)."""
    person = olivia.keys("person", count=1)[0]
    system_rows(Person).filter(pk=person).update(company=2)
    assert olivia.patch(COMPANY, {"comp_primarypersonid": person}).json["Comp_PrimaryPersonId"] == person


class TestReadOnly:
    """Fields that the caller, or everybody, cannot write (contract.md §11.2.4)."""

    def test_65_by_field_security(self, olivia: Wire) -> None:
        status = olivia.entry(COMPANY)["Comp_Status"]
        assert olivia.patch(COMPANY, {"comp_status": status.upper()}).status == 200
        assert problems(olivia.patch(COMPANY, {"comp_status": "Closed"})) == {"comp_status": "ReadOnly"}
        assert problems(olivia.patch(COMPANY, {"comp_status": None})) == {"comp_status": "ReadOnly"}

    @pytest.mark.parametrize(
        ("value", "served"), [("Active", 201), ("active", 201), (None, 201), ("", 201), ("Closed", 400)]
    )
    def test_65_by_field_security_in_a_new_record(self, olivia: Wire, value: str | None, served: int) -> None:
        answer = olivia.post("company", {"comp_name": "New", "comp_status": value})
        assert answer.status == served
        assert served == 400 or answer.json["Comp_Status"] == "Active"

    def test_65_a_zero_is_a_value(self, olivia: Wire) -> None:
        FieldRule.objects.create(entity="Company", field="Comp_IntId", write=False)
        assert problems(olivia.post("company", {"comp_name": "New", "comp_intid": 0})) == {"comp_intid": "ReadOnly"}

    @pytest.mark.parametrize("value", [99, "x", None, {"a": 1}])
    def test_65_what_the_system_computes_is_ignored_or_refused_as_the_client_prefers(
        self, susan: Wire, value: Any
    ) -> None:
        key = susan.keys("opportunity", count=1)[0]
        total = susan.entry(at("Opportunity", key))["Oppo_TotalQuotes"]
        lenient = susan.patch(at("Opportunity", key), {"oppo_totalquotes": value})
        assert (lenient.status, lenient.json["Oppo_TotalQuotes"]) == (200, total)
        assert "Preference-Applied" not in lenient.headers
        strict = susan.patch(at("Opportunity", key), {"oppo_totalquotes": value}, headers=STRICT)
        assert strict.status == 400
        assert strict.codes[0] in ("ReadOnly", "WrongType")

    def test_65_the_stamps_are_the_systems(self, susan: Wire) -> None:
        body = {"comp_name": "New", "Comp_CreatedBy": 1, "Comp_CreatedDate": "2001-01-01T00:00:00Z", "comp_secterr": 2}
        made = susan.post("company", body)
        assert (made.status, made.json["Comp_CreatedBy"]) == (201, 4)
        assert made.json["Comp_CreatedDate"] > "2020"
        assert problems(susan.post("company", body, headers=STRICT)) == dict.fromkeys(
            ("Comp_CreatedBy", "Comp_CreatedDate"), "ReadOnly"
        )

    @pytest.mark.parametrize("prefer", ["respond-async; handling=strict, x", 'Handling = "strict"'])
    def test_65_preference_applied_is_said(self, susan: Wire, prefer: str) -> None:
        answer = susan.patch(COMPANY, {"comp_intid": 4}, headers={"Prefer": prefer})
        assert (answer.status, answer.headers["Preference-Applied"]) == (200, "handling=strict")

    def test_65_a_fixed_field_is_read_only_later(self, susan: Wire) -> None:
        phone = susan.keys("phone", count=1, where="plink_entityid eq 5")[0]
        assert problems(susan.patch(at("Phone", phone), {"plink_entityid": 13})) == {"plink_entityid": "ReadOnly"}

    def test_62_the_key_cannot_be_chosen(self, susan: Wire) -> None:
        for body in ({"$key": 7}, {"comp_companyid": 7}, {"$key": 7, "Comp_CompanyId": 8}):
            made = susan.post("company", NEW["Company"] | body)
            assert (made.status, made.json["$key"] > 60) == (201, True)
            assert susan.put(COMPANY, body).json["$key"] == 2


def test_66_names_are_trimmed_and_in_any_case(susan: Wire) -> None:
    made = susan.post("company", {" COMP_NAME ": "New", "comp_Type\t": "supplier", "Comp_WebSite\n": "x.example"})
    assert (made.status, made.json["Comp_Type"], made.json["Comp_WebSite"]) == (201, "Supplier", "x.example")


VALUES: list[tuple[str, Any, str]] = [
    ("comp_name", 5, "WrongType"),
    ("comp_name", True, "WrongType"),
    ("comp_name", ["x"], "WrongType"),
    ("comp_name", {"x": 1}, "WrongType"),
    ("comp_name", "a\x00b", "WrongType"),
    ("comp_name", "\ud800", "WrongType"),
    ("comp_name", "x" * 61, "TooLong"),
    ("comp_name", "", "Required"),
    ("comp_name", None, "Required"),
    ("comp_type", "zz", "NotAChoice"),
    ("comp_type", "Customer ", "NotAChoice"),
    ("comp_type", "%", "NotAChoice"),
    ("comp_type", 1, "WrongType"),
    ("comp_type", "\ud800", "WrongType"),
    ("comp_intid", 1.5, "WrongType"),
    ("comp_intid", 2**31, "WrongType"),
    ("comp_intid", -(2**31) - 1, "WrongType"),
    ("comp_intid", "x", "WrongType"),
    ("comp_intid", "1.5", "WrongType"),
    ("comp_intid", "0x1", "WrongType"),
    ("comp_intid", "٣", "WrongType"),
    ("comp_intid", True, "WrongType"),
    ("comp_intid", [1], "WrongType"),
    ("comp_intid", 10**30, "WrongType"),
    ("comp_optout", 1, "WrongType"),
    ("comp_optout", 0, "WrongType"),
    ("comp_optout", "true", "WrongType"),
    ("comp_optout", "yes", "WrongType"),
    ("comp_intlastsyncdate", "yesterday", "WrongType"),
    ("comp_intlastsyncdate", 5, "WrongType"),
    ("comp_intlastsyncdate", "2026-02-30T00:00:00Z", "WrongType"),
    ("comp_intlastsyncdate", "0001-01-01T00:00:00+23:59", "WrongType"),
    ("comp_primarypersonid", "x", "WrongType"),
    ("comp_primarypersonid", {"$key": 1}, "WrongType"),
    ("comp_primarypersonid", 10**12, "WrongType"),
    ("comp_primarypersonid", 0, "BadReference"),
    ("person", 2, "WrongType"),
    ("person", {}, "WrongType"),
    ("person", {"$key": "2"}, "WrongType"),
    ("person", {"$key": True}, "WrongType"),
    ("person", {"$key": 2.0}, "WrongType"),
    ("person", {"$key": 999999}, "BadReference"),
    ("name", "x", "UnknownMember"),
    ("deleted_at", None, "UnknownMember"),
    ("", "x", "UnknownMember"),
    ("a" * 3000, "x", "UnknownMember"),
    ("\ud800", "x", "UnknownMember"),
]


@pytest.mark.parametrize(
    ("name", "value", "code"), VALUES, ids=[f"{name[:20]!r}-{code}-{n}" for n, (name, _, code) in enumerate(VALUES)]
)
def test_67_a_wrong_value_is_refused_by_name(susan: Wire, name: str, value: Any, code: str) -> None:
    before = susan.get(COMPANY).body
    answer = susan.patch(COMPANY, {name: value})
    assert (answer.status, answer.codes) == (400, [code])
    assert susan.get(COMPANY).body == before
    created = susan.post("company", {"comp_name": "New"} | {name: value})
    assert (created.status, created.codes) == (400, [code])


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("person", [], "WrongType"),
        ("person", [{"pers_lastname": "x"}], "WrongType"),
        ("phone", [{"phon_number": "1"}], "ReadOnly"),
        ("phonecollection", [{"phon_number": "1"}], "ReadOnly"),
    ],
)
def test_67_children_are_no_part_of_a_change(susan: Wire, name: str, value: Any, code: str) -> None:
    before = susan.get(COMPANY).body
    answer = susan.patch(COMPANY, {name: value})
    assert (answer.status, answer.codes) == (400, [code])
    assert susan.get(COMPANY).body == before


@pytest.mark.parametrize("text", ["1e400", "1E-400", "-0.0000001", "1234567890123456789", "9" * 5000, "0.1234567"])
def test_67_an_amount_beyond_its_digits_is_refused(susan: Wire, text: str) -> None:
    key = susan.keys("opportunity", count=1)[0]
    answer = susan.patch(at("Opportunity", key), f'{{"oppo_forecast": {text}}}'.encode())
    assert answer.codes == ["WrongType"]


@pytest.mark.parametrize(
    ("name", "value", "stored"),
    [
        ("comp_intid", "12", 12),
        ("comp_intid", " -7 ", -7),
        ("comp_intid", 12.0, 12),
        ("comp_optout", "Y", True),
        ("comp_optout", "n", False),
        ("comp_primaryuserid", "4", 4),
    ],
)
def test_67_what_integrations_send_is_understood_unless_handling_is_strict(
    susan: Wire, name: str, value: Any, stored: Any
) -> None:
    susan.patch(COMPANY, {"comp_optout": value in ("n",)})
    answer = susan.patch(COMPANY, {name: value})
    assert answer.status == 200
    assert {k.lower(): v for k, v in answer.json.items()}[name] == stored
    if isinstance(value, str):
        strict = susan.patch(COMPANY, {name: value}, headers=STRICT)
        assert problems(strict) == {name: "WrongType"}


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-03-01T09:12:44Z", "2026-03-01T09:12:44Z"),
        ("2026-03-01T09:12:44.999Z", "2026-03-01T09:12:44Z"),
        ("2026-03-01T09:12:44+02:00", "2026-03-01T07:12:44Z"),
        ("2026-03-01T09:12:44", "2026-03-01T09:12:44Z"),
        ("2026-03-01", "2026-03-01T00:00:00Z"),
        ("", None),
        (None, None),
    ],
)
def test_times_are_read_and_shown_in_whole_seconds_utc(susan: Wire, sent: str | None, stored: str | None) -> None:
    assert susan.patch(COMPANY, {"comp_intlastsyncdate": sent}).json["Comp_IntLastSyncDate"] == stored


def test_empty_texts_and_booleans(susan: Wire) -> None:
    answer = susan.patch(
        COMPANY, {"comp_website": "", "comp_intforeignid": None, "comp_promote": None, "comp_optout": ""}
    )
    assert answer.status == 200
    entry = answer.json
    assert (entry["Comp_WebSite"], entry["Comp_IntForeignId"]) == (None, None)
    assert (entry["Comp_Promote"], entry["Comp_OptOut"]) == (False, False)


def test_several_codes_are_stored_once_in_list_order(susan: Wire) -> None:
    answer = susan.patch(at("Person", 2), {"pers_type": ["other", "SALES", "Sales", "admin"]})
    assert answer.json["Pers_Type"] == ["Admin", "Sales", "Other"]
    assert problems(susan.patch(at("Person", 2), {"pers_type": "Sales"})) == {"pers_type": "WrongType"}
    assert problems(susan.patch(at("Person", 2), {"pers_type": [1]})) == {"pers_type": "WrongType"}
    assert problems(susan.patch(at("Person", 2), {"pers_type": ["zz"]})) == {"pers_type": "NotAChoice"}
    assert susan.patch(at("Person", 2), {"pers_type": []}).json["Pers_Type"] is None


def test_length_is_counted_in_characters(susan: Wire) -> None:
    assert susan.patch(COMPANY, {"comp_name": "😀" * 60}).json["Comp_Name"] == "😀" * 60
    assert susan.patch(COMPANY, {"comp_name": "é" * 61}).codes == ["TooLong"]


class TestRights:
    """Insert, edit and delete are checked on the record as it results (security.md §2)."""

    def test_68_moving_a_record_out_of_ones_rights_is_refused(self, susan: Wire) -> None:
        case = next(e for e in susan.entry("company", count=1000)["$resources"] if e["Comp_CreatedBy"] != 4)
        system_rows(Company).filter(pk=case["$key"]).update(team=None, territory=2, primary_user=None)
        before = company(case["$key"])
        abroad = next(t["$key"] for t in susan.entry("territories", count=99)["$resources"] if t["$title"] == "Germany")
        answer = susan.patch(case["$url"], {"comp_secterr": abroad, "comp_intid": 4})
        assert answer.refusal == (403, "ApplicationDiagnosis", "OutsideYourRights")
        assert company(case["$key"]) == before

    def test_68_creating_one_there_too(self, susan: Wire) -> None:
        abroad = next(t["$key"] for t in susan.entry("territories", count=99)["$resources"] if t["$title"] == "Germany")
        Profile.objects.get(group__name="Sales").rights.exclude(scope__in=("home", "everywhere")).delete()
        total = system_rows(Company).count()
        answer = susan.post("company", {"comp_name": "New", "comp_secterr": abroad})
        assert answer.refusal == (403, "ApplicationDiagnosis", "OutsideYourRights")
        assert system_rows(Company).count() == total

    def test_68_what_is_visible_but_not_editable_is_forbidden(self, olivia: Wire) -> None:
        shown = next(e for e in olivia.entry("company", count=1000)["$resources"] if "$edit" not in e["$links"])
        assert olivia.patch(shown["$url"], {"comp_intid": 4}).refusal == (403, "ApplicationDiagnosis", "NotPermitted")
        assert olivia.delete(shown["$url"]).refusal == (403, "ApplicationDiagnosis", "NotPermitted")

    def test_a_kind_without_the_right_is_forbidden(self, peter: Wire) -> None:
        assert peter.post("company", {"comp_nosuch": 1}).refusal == (403, "ApplicationDiagnosis", "NotPermitted")
        assert peter.patch(COMPANY, {"comp_nosuch": 1}).status == 403
        assert peter.delete(COMPANY).status == 403

    def test_70_insert_without_view_answers_a_reduced_entry(self, nora: Wire) -> None:
        group = Group.objects.create(name="Trainees")
        profile = Profile.objects.create(group=group)
        profile.rights.create(entity="Company", scope="everywhere", insert=True)
        group.user_set.add(7)
        made = nora.post("company", {"comp_name": "New"})
        key = made.json["$key"]
        assert made.status == 201
        assert made.json == {"$key": key, "$title": f"Company {key}", "$url": f"{ROOT}/Company('{key}')"}
        assert "ETag" not in made.headers
        assert made.headers["Location"] == made.json["$url"]
        assert system_rows(Company).get(pk=key).name == "New"
        assert nora.get(made.json["$url"]).status == 403
        assert nora.get("company").status == 403

    def test_a_change_that_takes_the_record_out_of_sight_answers_a_reduced_entry(self, susan: Wire) -> None:
        profile = Profile.objects.get(group__name="Sales")
        profile.rights.filter(entity="Cases").delete()
        profile.rights.create(entity="Cases", scope="everywhere", edit=True)
        profile.rights.create(entity="Cases", scope="assigned", view=True)
        case = system_rows(Case).order_by("pk").first()
        assert case is not None
        system_rows(Case).filter(pk=case.pk).update(assigned_user=4)
        answer = susan.patch(at("Cases", case.pk), {"case_assigneduserid": 3})
        assert (answer.status, set(answer.json)) == (200, {"$key", "$title", "$url"})
        assert answer.json["$title"] == f"Cases {case.pk}"
        assert "ETag" not in answer.headers
        assert susan.get(at("Cases", case.pk)).status == 404


def test_71_a_deleted_record_is_gone_from_every_answer_and_still_in_its_table(admin: Wire) -> None:
    total = admin.entry("cases", count=0)["$totalResults"]
    answer = admin.delete("cases('1')")
    assert (answer.status, answer.body) == (204, b"")
    assert admin.get("cases('1')").status == admin.delete("cases('1')").status == 404
    assert admin.patch("cases('1')", {}).status == 404
    assert admin.entry("cases", count=0)["$totalResults"] == total - 1
    assert Case.objects.get(pk=1).deleted_by_id == 1


def test_71_a_delete_takes_no_body_into_account(admin: Wire) -> None:
    assert admin.delete("cases('1')?returnPartial=true", content_type="text/plain").status == 204


@pytest.mark.parametrize("kind", ["Phone", "Email", "Address_Link"])
def test_72_children_need_edit_on_their_parent(olivia: Wire, kind: str) -> None:
    seen = olivia.entry(kind, count=1000)["$resources"]
    locked = next(entry for entry in seen if "$edit" not in entry["$links"])
    assert olivia.patch(locked["$url"], {}).status == 403
    assert olivia.delete(locked["$url"]).status == 403
    body = {k: v for k, v in locked.items() if "_" in k}
    assert olivia.post(kind, body).status in (400, 403)


def test_73_a_linked_object_is_a_second_spelling(susan: Wire) -> None:
    company = susan.post("company", NEW["Company"]).json
    people = [
        susan.post("person", {"pers_lastname": f"P{n}", "Company": {"$key": company["$key"]}}).json for n in (1, 2)
    ]
    assert people[0]["Pers_CompanyId"] == company["$key"]
    here = company["$url"]
    assert susan.patch(here, {"Person": {"$key": people[1]["$key"]}}).json["Comp_PrimaryPersonId"] == people[1]["$key"]
    assert susan.patch(here, {"person": None}).json["Comp_PrimaryPersonId"] is None
    first, second = (person["$key"] for person in people)
    susan.patch(here, {"comp_primarypersonid": first})
    both = susan.patch(here, {"comp_primarypersonid": second, "Person": {"$key": first}})
    assert both.json["Comp_PrimaryPersonId"] == second
    both = susan.patch(here, {"comp_primarypersonid": second, "Person": {"$key": first, "$title": "x"}})
    assert both.json["Comp_PrimaryPersonId"] == first
    conflict = susan.patch(here, {"comp_primarypersonid": None, "Person": {"$key": second}})
    assert conflict.codes == ["ConflictingMembers"]
    conflict = susan.post("person", {"pers_lastname": "x", "pers_companyid": company["$key"], "Company": None})
    assert conflict.codes == ["ConflictingMembers"]


def test_73_the_owner_of_a_child_is_spelled_by_its_linked_object_too(susan: Wire) -> None:
    """Nothing that a body says of the owner is dropped silently."""
    made = susan.post("phone", {"phon_number": "1", "company": {"$key": 2}})
    assert (made.status, made.json["PLink_EntityId"], made.json["PLink_RecordId"]) == (201, 5, 2)
    here, mine = made.json["$url"], susan.post("person", NEW["Person"]).json["$key"]
    for same in ({"Company": {"$key": 2}}, {"Person": None}, {"Company": {"$key": 2}, "PLink_RecordId": 2}):
        assert susan.patch(here, same).json == made.json
    for other, path in (
        ({"Company": {"$key": 1}}, "Company"),
        ({"Company": {"$key": 999_999}}, "Company"),
        ({"Company": None}, "Company"),
        ({"Person": {"$key": mine}}, "Person"),
    ):
        assert problems(susan.patch(here, other)) == {path: "ReadOnly"}
    assert problems(susan.patch(here, {"Company": {}})) == {"Company": "WrongType"}
    new = {"phon_number": "1", "plink_entityid": 5, "plink_recordid": 2}
    for contradiction, path in (({"Company": {"$key": 1}}, "Company"), ({"Person": {"$key": mine}}, "Person")):
        assert problems(susan.post("phone", new | contradiction)) == {path: "ConflictingMembers"}
    assert susan.post("phone", new | {"Company": {"$key": 2}, "Person": None}).status == 201
    below = {"phon_number": "1", "Company": {"$key": 1}}
    assert problems(susan.post("company('2')/phone", below)) == {"Company": "ConflictingMembers"}
    missing = susan.post("phone", {"phon_number": "1", "Company": {"$key": 999_999}})
    assert missing.codes == ["BadReference"]
    assert susan.get(here).json == made.json


def test_a_business_rule_names_the_member(susan: Wire) -> None:
    other = next(
        key for key in susan.keys("person", count=1000) if susan.entry(at("Person", key))["Pers_CompanyId"] != 2
    )
    assert problems(susan.patch(COMPANY, {"comp_primarypersonid": other})) == {"Comp_PrimaryPersonId": "BusinessRule"}


def test_a_discount_the_type_computes_is_read_only(susan: Wire) -> None:
    quote = editable(susan, "Quotes")
    assert quote is not None
    system_rows(Quote).filter(pk=quote["$key"]).update(discount_type="PC")
    assert problems(susan.patch(quote["$url"], {"quot_discountamt": 5})) == {"quot_discountamt": "ReadOnly"}


def test_who_wrote_what_is_remembered(susan: Wire) -> None:
    susan.patch(COMPANY, {"comp_intid": 77, "comp_source": "Web"})
    change = Change.objects.filter(kind="Company", key=2).latest("pk")
    assert (change.action, change.user_id) == ("edit", 4)
    assert set(change.fields) <= {"int_id", "source"}


def test_every_user_writes_only_what_it_may(olivia: Wire) -> None:
    mine = set(keys("olivia", "Company"))
    for key in keys("admin", "Company"):
        if key not in mine:
            assert olivia.patch(at("Company", key), {"comp_name": "Mine"}).status == 404
    assert not system_rows(Company).filter(name="Mine").exists()
    assert login("nora").patch(COMPANY, {"comp_name": "Mine"}).status == 404
