"""``$policy/preview``: what a change of policy would do, for those who may ask (security.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entities.models import User
from security.gate import system_rows
from security.models import FieldRule, PolicyChange, Profile, ProfileRight
from tests.api.twins import FOREVER_UNUSED, keys
from tests.api.wire import at, login

if TYPE_CHECKING:
    from tests.api.wire import Wire

ADDRESS = "$policy/preview"


def user(logon: str) -> int:
    return system_rows(User).get(logon=logon).pk


def previewed(wire: Wire, *changes: dict[str, Any]) -> dict[int, dict[str, Any]]:
    answer = wire.send("POST", ADDRESS, {"$changes": list(changes)})
    assert answer.status == 200, answer.body
    return {one["$user"]["$key"]: one for one in answer.json["$users"]}


def test_a_preview_tells_what_comes_of_it(admin: Wire) -> None:
    right = ProfileRight.objects.get(profile__group__name="Partner", entity="Company", scope="assigned")
    before = set(login("olivia").keys("company", count=1000))
    told = previewed(admin, {"$table": "ProfileRight", "$key": right.pk, "view": False})[user("olivia")]
    assert set(login("olivia").keys("company", count=1000)) == before
    ProfileRight.objects.filter(pk=right.pk).update(view=False)
    after = set(login("olivia").keys("company", count=1000))
    (view,) = [row for row in told["$rows"] if row["$action"] == "view"]
    assert view == {"$resourceKind": "Company", "$action": "view", "$gained": 0, "$lost": len(before - after)}
    assert before - after


def test_fields_are_named(admin: Wire) -> None:
    rule = FieldRule.objects.get(profile__group__name="Partner", field="Comp_Revenue")
    told = previewed(admin, {"$table": "FieldRule", "$key": rule.pk, "$remove": True})[user("olivia")]
    (company,) = [one for one in told["$fields"] if one["$resourceKind"] == "Company"]
    assert company["$readGained"] == ["Comp_Revenue"]
    assert FieldRule.objects.filter(pk=rule.pk).exists()


def test_what_explain_proposes_can_be_previewed(admin: Wire) -> None:
    hidden = next(key for key in keys("admin", "Company") if key not in keys("olivia", "Company"))
    told = admin.entry(f"{at('company', hidden)}/$explain", user="olivia")
    (one,) = previewed(admin, *told["$changes"][0]["$changes"]).values()
    assert one["$rows"] == [{"$resourceKind": "Company", "$action": "view", "$gained": 1, "$lost": 0}]


@pytest.mark.parametrize("logon", ["susan", "olivia", "nora"])
def test_it_needs_a_right_of_its_own(logon: str) -> None:
    assert "preview" not in {name for p in Profile.objects.filter(group__user__logon=logon) for name in p.functions}
    assert login(logon).send("POST", ADDRESS, {"$changes": []}).status == 403


def test_a_previewer_meets_nothing_hidden(admin: Wire) -> None:
    Profile.objects.filter(group__name="Partner").update(functions=["preview"])
    olivia = login("olivia")
    hidden = next(key for key in keys("admin", "Company") if key not in keys("olivia", "Company"))
    grant = {"$table": "Grant", "entity": "Company", "user": user("olivia"), "action": "view"}
    answers = [
        olivia.send("POST", ADDRESS, {"$changes": [grant | {"record": key}]}) for key in (hidden, FOREVER_UNUSED)
    ]
    assert {answer.status for answer in answers} == {400}
    assert answers[0].body == answers[1].body
    rule = {"$table": "FieldRule", "entity": "Company", "user": user("olivia"), "read": True}
    names = ("Comp_Revenue", "Comp_Revenux")
    bodies = [olivia.send("POST", ADDRESS, {"$changes": [rule | {"field": name}]}).body for name in names]
    assert bodies[0] == bodies[1].replace(b"Comp_Revenux", b"Comp_Revenue")
    stored = FieldRule.objects.get(profile__group__name="Partner", field="Comp_Revenue")
    body = olivia.send(
        "POST", ADDRESS, {"$changes": [{"$table": "FieldRule", "$key": stored.pk, "$remove": True}]}
    ).body
    assert b"Comp_Revenue" not in body


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([], None),
        ({"$changes": []}, None),
        ({"$changes": [{}]}, "$changes[0]"),
        ({"$changes": [{"$table": "ProfileRight", "$key": "x"}]}, "$changes[0]"),
        ({"$changes": [{"$table": "ProfileRight", "$nosuch": 1}]}, "$changes[0]"),
        ({"$changes": [{"$table": "Nosuch"}]}, "$table"),
        ({"$changes": [{"$table": "ProfileRight", "$key": 1, "nosuch": 1}]}, "nosuch"),
        ({"$changes": [{"$table": "ProfileRight", "$key": FOREVER_UNUSED, "view": True}]}, None),
        ({"$changes": [{"$table": "ProfileRight", "entity": "Nosuch"}]}, "$changes[0].entity"),
        ({"$changes": [{"$table": "User", "$key": FOREVER_UNUSED, "disabled": True}]}, "$changes[0]"),
        ({"$changes": [{"$table": "Membership"}]}, None),
        ({"$changes": [{"$table": "ProfileRight", "entity": "Company", "scope": {}, "view": 7}]}, None),
        ({"$changes": [{"$table": "FieldRule", "entity": "Company", "field": ["x"]}]}, "$changes[0].field"),
        ({"$changes": [{"$table": "Profile", "$key": 1, "refused": 5}]}, None),
    ],
)
def test_what_cannot_be_changed_is_refused(admin: Wire, body: Any, path: str | None) -> None:
    before = PolicyChange.objects.count()
    answer = admin.send("POST", ADDRESS, body)
    assert answer.status == 400, answer.body
    if path is not None:
        assert answer.json["$diagnoses"][0]["$payloadPath"] == path
    assert PolicyChange.objects.count() == before


def test_a_previewer_meets_nobody_who_is_invisible(admin: Wire) -> None:
    Profile.objects.filter(group__name="Partner").update(functions=["preview"])
    change = {"$table": "FieldRule", "entity": "Company", "field": "Comp_Name", "read": False}
    assert user("susan") in previewed(login("olivia"), change)
    ProfileRight.objects.filter(profile__group__name="Partner", entity="Users").delete()
    assert previewed(login("olivia"), change) == {}
