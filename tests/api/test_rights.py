"""Rights as the API shows them, from one request to the next (the issue's acceptance; security.md §5)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.utils import timezone
from guardian.shortcuts import assign_perm, remove_perm

from entities.models import Company, Person, Quote, Team, User
from entities.registry import registry
from security.gate import system_rows
from security.models import FieldRule, Profile, ProfileRight
from tests.api.twins import keys
from tests.api.wire import Wire, at

HIDDEN = 59  # a company of another partner's: olivia does not see it


def test_olivia_gets_no_revenue_anywhere(olivia: Wire) -> None:
    for path in (
        "company?count=1000",
        "company('2')",
        "$prototypes/company",
        "$openapi",
        "$whoami",
        "company?labels=true",
    ):
        body = olivia.get(path).body.lower()
        assert b"comp_revenue" not in body, path


@pytest.mark.parametrize("kind", [entity.kind for entity in registry()])
def test_nora_gets_the_404_of_an_unknown_kind_for_every_kind(nora: Wire, kind: str) -> None:
    for method in ("GET", "POST"):
        answer = nora.send(method, kind, {})
        unknown = nora.send(method, "nosuch", {})
        assert answer.status == 404
        assert answer.body.replace(kind.encode(), b"nosuch") == unknown.body


def test_a_granted_row_is_visible_on_the_next_request(olivia: Wire) -> None:
    company, partners = system_rows(Company).get(pk=HIDDEN), Group.objects.get(name="Partner")
    assert olivia.get(at("Company", HIDDEN)).status == 404
    total = olivia.entry("company", count=0)["$totalResults"]
    assign_perm("view_company", partners, company)
    assert olivia.entry(at("Company", HIDDEN))["$key"] == HIDDEN
    assert olivia.entry("company", count=0)["$totalResults"] == total + 1
    assert HIDDEN in olivia.keys("company", count=1000)
    remove_perm("view_company", partners, company)
    assert olivia.get(at("Company", HIDDEN)).status == 404


def test_a_grant_to_a_user_reaches_that_user_alone(olivia: Wire, nora: Wire) -> None:
    company = system_rows(Company).get(pk=HIDDEN)
    assign_perm("view_company", system_rows(User).get(logon="nora"), company)
    assert nora.keys("company") == [HIDDEN]
    owned = ["Address", "Address_Link", "Phone", "Email", "Notes"]
    views = ["PhoneLink", "EmailLink", "vAddressCompany", "vCompanySummary"]
    assert nora.kinds() == ["Company", *owned, "Custom_Captions", *views]
    assert olivia.get(at("Company", HIDDEN)).status == 404


def test_a_grant_of_edit_without_view_gives_nothing(olivia: Wire) -> None:
    company = system_rows(Company).get(pk=HIDDEN)
    olivias = system_rows(User).get(logon="olivia")
    for permission in ("change_company", "delete_company"):
        assign_perm(permission, olivias, company)
    assert olivia.get(at("Company", HIDDEN)).status == 404
    assert olivia.patch(at("Company", HIDDEN), {"comp_name": "Mine"}).status == 404
    assign_perm("view_company", olivias, company)
    entry = olivia.entry(at("Company", HIDDEN))
    assert {"$edit", "$delete"} <= set(entry["$links"])
    assert olivia.patch(at("Company", HIDDEN), {"comp_name": "Mine"}).status == 200
    assert olivia.delete(at("Company", HIDDEN)).status == 204


def test_a_right_taken_away_makes_rows_vanish_on_the_next_request(susan: Wire) -> None:
    assert susan.keys("company")
    Profile.objects.get(group__name="Sales").rights.filter(entity="Company").delete()
    assert susan.get("company").refusal == (404, "ResourceKindNotFound", "UnknownPath")
    assert susan.get(at("Company", 2)).refusal == (404, "ResourceKindNotFound", "UnknownPath")
    assert susan.entry(at("Person", 2))["Pers_CompanyId"] is None
    assert "Company" not in susan.kinds()
    properties = susan.entry("$prototypes/person")["$properties"]
    assert "Company" not in properties
    assert "$relation" not in properties["Pers_CompanyId"]


def test_a_profile_taken_away_too(susan: Wire) -> None:
    system_rows(User).get(logon="susan").groups.clear()
    assert susan.kinds() == []


def test_a_right_added_shows_rows_on_the_next_request(peter: Wire) -> None:
    assert peter.get("opportunity").status == 404
    Profile.objects.get(group__name="Support").rights.create(entity="Opportunity", scope="everywhere", view=True)
    assert peter.entry("opportunity", count=0)["$totalResults"] == len(keys("admin", "Opportunity"))


def test_a_field_rule_binds_the_next_request(peter: Wire) -> None:
    assert "Comp_Sector" in peter.entry(at("Company", 2))
    rule = FieldRule.objects.create(entity="Company", field="Comp_Sector", read=False)
    assert "Comp_Sector" not in peter.entry(at("Company", 2))
    rule.delete()
    assert "Comp_Sector" in peter.entry(at("Company", 2))


def test_moving_a_user_binds_the_next_request(susan: Wire) -> None:
    here = set(susan.keys("company", count=1000))
    user = system_rows(User).get(logon="susan")
    user.teams.clear()
    system_rows(User).filter(pk=user.pk).update(home_territory=12, primary_team=None)
    there = set(susan.keys("company", count=1000))
    assert there != here
    team = system_rows(Team).get(pk=1)
    user.teams.add(team)
    assert set(susan.keys("company", count=1000)) > there


def test_the_administrator_has_no_second_way(admin: Wire) -> None:
    """A full plan sees everything there is, and obeys the system's own limits like everybody."""
    for kind, model in (("company", Company), ("person", Person), ("quotes", Quote)):
        assert admin.entry(kind, count=0)["$totalResults"] == system_rows(model).count()
    assert admin.post("users", {}).status == 405
    assert admin.patch("company('2')", {"comp_nosuch": 1}).codes == ["UnknownMember"]


@pytest.mark.parametrize(
    ("kind", "wire", "column"),
    [
        ("Users", "Comp_PrimaryUserId", "last_name"),
        ("Channel", "Comp_ChannelId", "description"),
        ("Territories", "Comp_SecTerr", "caption"),
    ],
)
def test_who_is_named_is_named_as_it_is_now(susan: Wire, kind: str, wire: str, column: str) -> None:
    own = susan.entry("$whoami")["$user"]["$key"]  # who has to go on asking
    listed = susan.entry("company", count=200)["$resources"]
    shown = next(entry for entry in listed if kind in entry and (kind, entry[wire]) != ("Users", own))
    path, key = at("Company", shown["$key"]), shown[wire]
    record = system_rows(registry()[kind].model).filter(pk=key)

    def named() -> tuple[Any, Any]:
        entry = susan.entry(path)
        (same,) = susan.entry("company", where=f"Comp_CompanyId eq {shown['$key']}")["$resources"]
        assert (same[wire], same.get(kind)) == (entry[wire], entry.get(kind))
        return entry[wire], entry.get(kind, {}).get("$title")

    assert named() == (key, shown[kind]["$title"])
    record.update(**{column: "Renamed"})
    assert named()[0] == key
    assert "Renamed" in named()[1]
    record.update(deleted_at=timezone.now())
    assert named() == (None, None)
    system_rows(registry()[kind].model).model._default_manager.filter(pk=key).update(deleted_at=None)
    assert "Renamed" in named()[1]
    ProfileRight.objects.filter(entity=kind).delete()
    assert named() == (None, None)
