"""Writes by an external key (contract.md §14)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from entities.models import Company
from security.gate import system_rows
from security.models import FieldRule, Profile, ProfileRight
from tests.api.twins import told
from tests.api.wire import ROOT, Wire, at, login

if TYPE_CHECKING:
    from tests.api.wire import Answer

HERE = "company(comp_intforeignid eq 'ERP-1001')"
NEW = {"comp_name": "By key"}


def stored() -> int:
    return system_rows(Company).filter(int_foreign_id__iexact="ERP-1001").count()


def test_81_it_creates_then_updates(susan: Wire) -> None:
    made = susan.put(HERE, NEW)
    assert (made.status, made.json["Comp_IntForeignId"]) == (201, "ERP-1001")
    assert made.headers["Location"] == made.json["$url"]
    assert made.headers["ETag"]
    again = susan.put(HERE, {"comp_name": "Changed", "comp_intforeignid": "ERP-1001"})
    assert (again.status, again.json["$key"], again.json["Comp_Name"]) == (200, made.json["$key"], "Changed")
    assert "Location" not in again.headers
    assert stored() == 1


@pytest.mark.parametrize("typed", ["ERP-1001", "erp-1001"])
def test_81_the_body_may_repeat_the_key(susan: Wire, typed: str) -> None:
    answer = susan.put(HERE, NEW | {"Comp_IntForeignId": typed})
    if typed == "ERP-1001":
        assert answer.status == 201
    else:
        assert answer.refusal == (400, "ApplicationDiagnosis", "ConflictingMembers")
        assert stored() == 0


@pytest.mark.parametrize(
    "address", ['company((Comp_IntForeignId = "ERP-1001"))', "companies(COMP_INTFOREIGNID eq 'ERP-1001')"]
)
def test_81_spellings(susan: Wire, address: str) -> None:
    assert susan.put(address, NEW).json["Comp_IntForeignId"] == "ERP-1001"


def test_81_a_number_is_a_key_too(susan: Wire) -> None:
    made = susan.put("company(comp_intforeignid eq 1001)", NEW)
    assert (made.status, made.json["Comp_IntForeignId"]) == (201, "1001")
    assert susan.put("company(comp_intforeignid eq '1001')", NEW).status == 200


@pytest.mark.parametrize("literal", ["''", "null"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_81_an_empty_key_is_none(susan: Wire, literal: str, method: str) -> None:
    answer = susan.send(method, f"company(comp_intforeignid eq {literal})", NEW)
    assert answer.refusal == (400, "BadUrlSyntax", "BadSelector")


def test_81_several_are_too_many(admin: Wire) -> None:
    for _ in range(2):
        admin.post("company", NEW | {"comp_intforeignid": "ERP-1001"})
    assert admin.put(HERE, NEW).refusal == (400, "BadUrlSyntax", "SelectorNotUnique")


def test_81_another_condition_updates_the_one_match_and_creates_nothing(susan: Wire) -> None:
    before = system_rows(Company).count()
    for condition in ("comp_name eq 'nobody'", "comp_intforeignid eq 'x' and 1=1", "comp_intforeignid like 'x'"):
        assert susan.put(f"company({condition})", NEW).refusal == (404, "ApplicationDiagnosis", "RecordNotFound")
    assert system_rows(Company).count() == before
    name = susan.entry(at("Company", 2))["Comp_Name"]
    assert susan.put(f"company(comp_name eq '{name}')", {"comp_intid": 9}).json["Comp_IntId"] == 9


def test_81_an_invisible_record_with_the_key_has_no_influence(admin: Wire, olivia: Wire) -> None:
    hidden = max(set(admin.keys("company", count=1000)) - set(olivia.keys("company", count=1000)))
    olivia.put("company(comp_intforeignid eq 'warm')", NEW)
    fresh = told(
        lambda: olivia.put("company(comp_intforeignid eq 'ERP-1002')", {"comp_name": "By key", "x": 1}), "1002"
    )
    admin.patch(at("Company", hidden), {"comp_intforeignid": "ERP-1003"})
    known = told(
        lambda: olivia.put("company(comp_intforeignid eq 'ERP-1003')", {"comp_name": "By key", "x": 1}), "1003"
    )
    assert fresh == known
    made = olivia.put("company(comp_intforeignid eq 'ERP-1003')", NEW)
    assert made.status == 201
    assert made.json["$key"] != hidden
    assert admin.entry(at("Company", hidden))["Comp_Name"] != "By key"


def test_81_children_come_along_when_it_creates(susan: Wire) -> None:
    made = susan.put(HERE, NEW | {"phone": [{"phon_number": "1"}]})
    assert made.status == 201
    assert susan.entry(f"{made.json['$url']}/phone", count=0)["$totalResults"] == 1


def test_82_patch_never_creates(susan: Wire) -> None:
    assert susan.patch(HERE, NEW).refusal == (404, "ApplicationDiagnosis", "RecordNotFound")
    assert stored() == 0
    made = susan.put(HERE, NEW)
    assert susan.patch(HERE, {"comp_intid": 4}).json["$key"] == made.json["$key"]


def test_82_conditions(susan: Wire) -> None:
    only_new, only_old = {"If-None-Match": "*"}, {"If-Match": "*"}
    for condition in (only_old, {"If-Match": '"tag"'}):
        assert susan.put(HERE, NEW, headers=condition).refusal == (412, "ApplicationDiagnosis", "PreconditionFailed")
    assert stored() == 0
    made = susan.put(HERE, NEW, headers=only_new)
    assert made.status == 201
    again = susan.put(HERE, {"comp_name": "Other"}, headers=only_new)
    assert again.refusal == (412, "ApplicationDiagnosis", "PreconditionFailed")
    assert susan.entry(made.json["$url"])["Comp_Name"] == "By key"
    assert susan.put(HERE, {"comp_name": "Other"}, headers=only_old).status == 200
    assert susan.put(HERE, {"comp_name": "More"}, headers={"If-Match": made.headers["ETag"]}).status == 412


class TestRights:
    """Creating needs the right to insert, updating that to edit; the key is a field like any other."""

    def test_81_without_insert_nothing_is_created(self, peter: Wire) -> None:
        assert peter.put(HERE, NEW).refusal == (403, "ApplicationDiagnosis", "NotPermitted")
        assert "PUT" not in peter.options(HERE).headers["Allow"]

    def test_81_insert_alone_is_enough_to_create(self) -> None:
        support = Profile.objects.get(group__name="Support")
        ProfileRight.objects.filter(profile=support, entity="Company").delete()
        ProfileRight.objects.create(profile=support, entity="Company", scope="everywhere", insert=True)
        peter = login("peter")
        first, second = peter.put(HERE, NEW), peter.put(HERE, NEW)
        assert (first.status, second.status) == (201, 201)  # what it cannot see does not count
        assert set(first.json) == {"$key", "$title", "$url"}

    def test_81_a_key_that_cannot_be_written_is_not_set(self, susan: Wire) -> None:
        FieldRule.objects.create(entity="Company", field="Comp_IntForeignId", write=False)
        assert susan.put(HERE, NEW).refusal == (403, "ApplicationDiagnosis", "NotPermitted")
        assert stored() == 0

    def test_81_a_hidden_key_is_an_unknown_name(self, susan: Wire) -> None:
        FieldRule.objects.create(entity="Company", field="Comp_IntForeignId", read=False)

        def send(name: str) -> Answer:
            return susan.put(f"company({name} eq 'ERP-1001')", NEW)

        send("warm")
        hidden, unknown = (told(partial(send, name), name) for name in ("comp_intforeignid", "comp_xxxxxxxxxxxxx"))
        assert hidden == unknown

    def test_81_too_long_a_key_is_refused(self, susan: Wire) -> None:
        answer = susan.put(f"company(comp_intforeignid eq '{'x' * 256}')", NEW)
        assert answer.refusal == (400, "ApplicationDiagnosis", "TooLong")
        assert susan.put(f"{ROOT}/{HERE}", {}).codes == ["Required"]
