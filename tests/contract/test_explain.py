"""``$explain``: why somebody may do something, or may not (contract.md §5.5, security.md §7)."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone

from entities.models import AddressLink, User
from security.changes import Change, apply
from security.gate import system_rows
from security.models import FieldRule, Profile, ProfileRight
from tests.api.twins import FOREVER_UNUSED, keys, kinds
from tests.api.wire import at, login

if TYPE_CHECKING:
    from datetime import datetime

    from tests.api.wire import Wire


def explained(wire: Wire, kind: str, key: int, **asked: Any) -> dict[str, Any]:
    return wire.entry(f"{at(kind, key)}/$explain", **asked)


def deciding(reasons: list[dict[str, Any]]) -> dict[str, Any]:
    (found,) = [reason for reason in reasons if reason["$deciding"]]
    return found


def test_everything_that_is_linked_is_explained(susan: Wire) -> None:
    for kind in kinds("susan"):
        for entry in susan.entry(kind, count=2)["$resources"]:
            for action in ("view", "edit", "delete"):
                told = susan.entry(entry["$links"]["$explain"]["$url"], action=action)
                offered = action == "view" or f"${action}" in entry["$links"]
                assert told["$allowed"] == offered, (kind, entry["$key"], action, told)
                assert deciding(told["$reasons"])
                assert told["$record"] == {name: entry[name] for name in ("$key", "$url", "$title")}


def test_the_rule_that_hides_a_field_is_named_with_the_change_that_shows_it(admin: Wire) -> None:
    rule = FieldRule.objects.get(profile__group__name="Partner", field="Comp_Revenue")
    key = keys("olivia", "Company")[0]
    told = explained(admin, "company", key, user="olivia", field="comp_revenue")
    assert (told["$allowed"], told["$field"]["$allowed"], told["$field"]["$name"]) == (False, False, "Comp_Revenue")
    assert deciding(told["$field"]["$reasons"])["$source"] == {"$table": "FieldRule", "$key": rule.pk}
    assert "Partner" in deciding(told["$field"]["$reasons"])["$rule"]
    assert told["$changes"][0]["$changes"] == [{"$table": "FieldRule", "$key": rule.pk, "read": True}]
    FieldRule.objects.filter(pk=rule.pk).update(read=True)
    assert explained(admin, "company", key, user="olivia", field="comp_revenue")["$allowed"]
    assert "Comp_Revenue" in login("olivia").entry(at("company", key))


def test_a_hidden_field_is_as_unknown_as_a_misspelt_one(olivia: Wire) -> None:
    path = f"{at('company', keys('olivia', 'Company')[0])}/$explain"
    hidden, misspelt = (olivia.get(path, field=name) for name in ("comp_revenue", "comp_revenux"))
    assert hidden.refusal == (400, "BadQueryParameter", "UnknownName")
    assert hidden.body == misspelt.body.replace(b"comp_revenux", b"comp_revenue")


def test_one_explains_oneself_and_not_others(olivia: Wire) -> None:
    path = f"{at('company', keys('olivia', 'Company')[0])}/$explain"
    mine = olivia.entry(path, action="edit")
    assert mine["$allowed"]
    assert "Partner" in deciding(mine["$reasons"])["$rule"]
    assert olivia.entry(path, user="OLIVIA", action="edit")["$reasons"] == mine["$reasons"]
    others = [olivia.get(path, user=name) for name in ("susan", "nosuch", "1")]
    assert {answer.status for answer in others} == {403}
    assert len({answer.body for answer in others}) == 1


def test_an_invisible_record_is_as_missing(olivia: Wire) -> None:
    hidden = next(key for key in keys("admin", "Company") if key not in keys("olivia", "Company"))
    answers = [olivia.get(f"{at('company', key)}/$explain") for key in (hidden, FOREVER_UNUSED)]
    assert answers[0].refusal == (404, "ApplicationDiagnosis", "RecordNotFound")
    assert answers[0].body == answers[1].body


def test_an_explainer_explains_only_what_they_see_themselves(admin: Wire) -> None:
    """The function right opens other people's rights, no other people's records and no hidden fields."""
    Profile.objects.filter(group__name="Partner").update(functions=["explain_others"])
    olivia = login("olivia")
    mine = keys("olivia", "Company")[0]
    hidden = next(key for key in keys("admin", "Company") if key not in keys("olivia", "Company"))
    assert explained(olivia, "company", mine, user="susan")["$user"]["$title"]
    assert olivia.get(f"{at('company', hidden)}/$explain", user="susan").status == 404
    refused = olivia.get(f"{at('company', mine)}/$explain", user="susan", field="comp_revenue")
    assert refused.refusal == (400, "BadQueryParameter", "UnknownName")
    assert olivia.get(f"{at('company', mine)}/$explain", user="nosuch").refusal[0] == 400


def test_a_denial_tells_what_would_turn_it_round(admin: Wire) -> None:
    hidden = next(key for key in keys("admin", "Company") if key not in keys("olivia", "Company"))
    told = explained(admin, "company", hidden, user="olivia", action="edit")
    user = system_rows(User).get(logon="olivia").pk
    assert not told["$allowed"]
    assert deciding(told["$reasons"])["$rule"] == "Nothing else is allowed."
    assert told["$changes"][0]["$changes"] == [
        {"$table": "Grant", "entity": "Company", "record": hidden, "user": user, "action": action}
        for action in ("view", "edit")
    ]


def test_where_record_and_field_are_closed_both_are_opened(admin: Wire) -> None:
    hidden = next(key for key in keys("admin", "Company") if key not in keys("olivia", "Company"))
    told = explained(admin, "company", hidden, user="olivia", field="comp_revenue")
    changes = told["$changes"][0]["$changes"]
    assert [change["$table"] for change in changes] == ["FieldRule", "Grant"]
    apply([Change(c["$table"], c.get("$key"), {n: v for n, v in c.items() if n[0] != "$"}) for c in changes])
    assert explained(admin, "company", hidden, user="olivia", field="comp_revenue")["$allowed"]
    assert "Comp_Revenue" in login("olivia").entry(at("company", hidden))


def test_the_state_of_a_record_is_told_apart_from_rights(admin: Wire) -> None:
    taken = next(entry for entry in admin.entry("territories")["$resources"] if "$delete" not in entry["$links"])
    told = explained(admin, "territories", taken["$key"], action="delete")
    assert not told["$allowed"]
    assert deciding(told["$reasons"])["$rule"] == "Business rules."
    assert told["$changes"] == []


def test_a_child_is_explained_by_its_parents(susan: Wire) -> None:
    phone = susan.entry("phone", count=1)["$resources"][0]
    told = explained(susan, "phone", phone["$key"], action="edit")
    reason = told["$reasons"][0]
    assert reason["$rule"].startswith("It follows ")
    assert reason["$reasons"]


def test_a_business_action_is_explained(peter: Wire, admin: Wire) -> None:
    cases = peter.entry("cases", where="case_status eq 'In Progress'", count=50)["$resources"]
    case = next(case for case in cases if "solve" in case["$links"])
    assert explained(peter, "cases", case["$key"], action="solve")["$allowed"]
    Profile.objects.filter(group__name="Support").update(refused=["Cases.solve"])
    told = explained(admin, "cases", case["$key"], action="SOLVE", user="peter")
    assert not told["$allowed"]
    assert told["$changes"][0]["$changes"][0]["$table"] == "Profile"
    assert told["$changes"][0]["$changes"][0]["refused"] == []


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ({"action": "insert"}, "action"),
        ({"action": "nosuch"}, "action"),
        ({"action": "delete", "field": "comp_name"}, "action"),
        ({"at": "yesterday"}, "at"),
        ({"at": "2126-01-01T00:00:00Z"}, "at"),
        ({"where": "1=1"}, "where"),
    ],
)
def test_what_cannot_be_asked_is_refused(admin: Wire, asked: dict[str, str], path: str) -> None:
    answer = admin.get(f"{at('company', 2)}/$explain", **asked)
    assert answer.status == 400
    assert answer.json["$diagnoses"][0]["$payloadPath"] == path


def test_the_past_is_asked_by_its_time(admin: Wire) -> None:
    key = keys("olivia", "Company")[0]
    assert not explained(admin, "company", key, user="olivia", field="comp_revenue")["$allowed"]
    then = moment_after(timezone.now())
    FieldRule.objects.filter(field="Comp_Revenue").delete()
    assert explained(admin, "company", key, user="olivia", field="comp_revenue")["$allowed"]
    told = explained(admin, "company", key, user="olivia", field="comp_revenue", at=then.isoformat())
    assert (told["$at"], told["$allowed"]) == (then.strftime("%Y-%m-%dT%H:%M:%SZ"), False)
    refused = admin.get(f"{at('company', key)}/$explain", at="2001-01-01T00:00:00Z")
    assert refused.json["$diagnoses"][0]["$payloadPath"] == "at"


def moment_after(moment: datetime) -> datetime:
    """Return the next whole second, once it has come: times of the contract are whole seconds."""
    time.sleep(1 - moment.microsecond / 1e6)
    return moment.replace(microsecond=0) + timedelta(seconds=1)


def test_who_may_not_view_a_kind_is_told_nothing(nora: Wire) -> None:
    assert nora.get("company('2')/$explain").body == nora.get("company('2')").body


def test_reasons_name_the_profiles_right(admin: Wire) -> None:
    key = keys("susan", "Company")[0]
    told = explained(admin, "company", key, user="susan")
    right = ProfileRight.objects.get(pk=deciding(told["$reasons"])["$source"]["$key"])
    assert (right.profile.group.name, right.entity, right.view) == ("Sales", "Company", True)
    assert {reason["$source"]["$table"] for reason in told["$reasons"]} == {"ProfileRight"}


def test_an_invisible_owner_is_not_told_of(olivia: Wire) -> None:
    """An address that hangs on a visible and an invisible company is explained as if it hung on the first alone."""
    link = olivia.entry("address_link", count=1, where="adli_companyid ne null")["$resources"][0]
    address = link["AdLi_AddressId"]
    before = explained(olivia, "address", address, action="edit")
    hidden = next(key for key in keys("admin", "Company") if key not in keys("olivia", "Company"))
    AddressLink.objects.create(address_id=address, company_id=hidden, type="Shipping", created_by_id=1)
    assert explained(olivia, "address", address, action="edit") == before


def test_a_hidden_reference_names_no_owner(olivia: Wire) -> None:
    """Whatever a link refers to by a field that is hidden, or whether it does, its explanation is the same."""
    company, other = keys("olivia", "Company")[:2]
    person, address = keys("olivia", "Person")[0], keys("olivia", "Address")[0]
    link = AddressLink.objects.create(address_id=address, company_id=company, person_id=person, created_by_id=1)
    FieldRule.objects.create(entity="Address_Link", field="AdLi_CompanyId", read=False)
    wire, path = login("olivia"), f"{at('address_link', link.pk)}/$explain"
    told = {wire.get(path, action="view").body}
    for value in (other, None):
        AddressLink.objects.filter(pk=link.pk).update(company=value)
        told.add(wire.get(path, action="view").body)
    assert len(told) == 1
    AddressLink.objects.filter(pk=link.pk).update(company=company, person=None)
    (reason,) = wire.entry(path, action="view")["$reasons"]
    assert (reason["$rule"], "$reasons" in reason) == ("It follows another record: view.", False)


def test_no_change_is_proposed_to_the_owner_behind_a_hidden_reference(admin: Wire) -> None:
    Profile.objects.filter(group__name="Integration").update(functions=["explain_others"])
    phone = login("ian").entry("phone", count=1)["$resources"][0]["$key"]
    assert explained(login("ian"), "phone", phone, user="nora")["$changes"]
    FieldRule.objects.create(entity="Phone", field="PLink_RecordId", read=False)
    told = explained(login("ian"), "phone", phone, user="nora")
    assert (told["$allowed"], told["$changes"], len(told["$reasons"])) == (False, [], 1)


def test_no_right_turns_the_state_of_a_record_round(admin: Wire) -> None:
    case = admin.entry("cases", where="case_status eq 'Closed'", count=1)["$resources"][0]["$key"]
    told = explained(admin, "cases", case, action="close", user="peter")
    assert (told["$allowed"], told["$changes"]) == (False, [])


def test_a_refused_action_on_a_record_that_may_not_be_edited_needs_both(admin: Wire) -> None:
    case = admin.entry("cases", where="case_status eq 'In Progress'", count=1)["$resources"][0]["$key"]
    Profile.objects.filter(group__name="Support").update(refused=["Cases.solve"])
    ProfileRight.objects.filter(profile__group__name="Support", entity="Cases").update(edit=False)
    told = explained(admin, "cases", case, action="solve", user="peter")
    changes = told["$changes"][0]["$changes"]
    assert [change["$table"] for change in changes] == ["Profile", "Grant"]
    apply([Change(c["$table"], c.get("$key"), {n: v for n, v in c.items() if n[0] != "$"}) for c in changes])
    assert explained(admin, "cases", case, action="solve", user="peter")["$allowed"]


def test_what_a_profile_refuses_of_unknown_kinds_is_not_named(peter: Wire) -> None:
    case = peter.entry("cases", where="case_status eq 'In Progress'", count=1)["$resources"][0]["$key"]
    Profile.objects.filter(group__name="Support").update(refused=["Cases.solve"])
    assert explained(login("peter"), "cases", case, action="solve")["$changes"]
    Profile.objects.filter(group__name="Support").update(refused=["Cases.solve", "Opportunity.win"])
    assert login("peter").get("opportunity").status == 404
    answer = login("peter").get(f"{at('cases', case)}/$explain", action="solve")
    assert (answer.status, answer.json["$changes"]) == (200, [])
    assert b"Opportunity" not in answer.body


def test_who_may_not_log_in_may_do_nothing(admin: Wire) -> None:
    key = keys("susan", "Company")[0]
    user = system_rows(User).get(logon="susan")
    User.objects.filter(pk=user.pk).update(disabled=True)
    told = explained(admin, "company", key, user="susan")
    assert not told["$allowed"]
    assert deciding(told["$reasons"])["$source"] == {"$table": "User", "$key": user.pk}
    assert told["$changes"][0]["$changes"] == [{"$table": "User", "$key": user.pk, "disabled": False}]
    User.objects.filter(pk=user.pk).update(disabled=False, resource=True)
    assert explained(admin, "company", key, user="susan")["$changes"] == []
