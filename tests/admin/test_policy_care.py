"""Changing policy with care: recorded with its author, tried out first, refused where an invariant breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from entities.models import User
from security.invariants import breaches
from security.models import FieldRule, Invariant, PolicyChange, Profile, ProfileRight
from security.preview import changed, last_change
from security.recording import acting
from tests.admin.test_policy import PROFILES, RULES, rights_of, visible
from tests.admin.world import store

if TYPE_CHECKING:
    from django.test import Client

    from tests.admin.world import World

INVARIANTS = "/admin/security/invariant/"
HISTORY = "/admin/security/policychange/"
WHY = "/admin/entities/company/{}/explain/"
EVERYWHERE = {"entity": "Company", "scope": "everywhere", "view": "on"}


def text(response: Any) -> str:
    return str(response.content.decode())


def test_history_names_who_changed_which_right(boss: Client, world: World) -> None:
    boss.post(f"{PROFILES}{world.profile.pk}/change/", rights_of(world.profile, EVERYWHERE))
    change = PolicyChange.objects.filter(table="security_profileright").latest("pk")
    assert (change.actor, change.old) == (world.boss.pk, None)
    page = text(boss.get(HISTORY))
    assert world.boss.logon in page
    assert "scope=everywhere" in page
    assert boss.get(f"{HISTORY}{change.pk}/change/").status_code == 200
    assert boss.get(f"{HISTORY}add/").status_code == 403
    assert boss.post(f"{HISTORY}{change.pk}/delete/", {"post": "yes"}).status_code == 403


def test_history_is_the_administrators(clerk: Client) -> None:
    assert clerk.get(HISTORY).status_code == 403
    assert clerk.get(INVARIANTS).status_code == 403


def test_a_preview_says_who_gains_what_and_stores_nothing(boss: Client, clerk: Client, world: World) -> None:
    address = f"{PROFILES}{world.profile.pk}/change/"
    form = rights_of(world.profile, EVERYWHERE)
    before, rights = visible(clerk), ProfileRight.objects.count()
    response = boss.post(address, form | {"_preview": "Preview"})
    assert response.status_code == 200
    assert "was changed successfully" not in text(response)
    (effect,) = response.context["effects"]
    assert str(world.clerk) == effect["name"]
    gained = {(row.kind, row.action): (row.gained, row.lost) for row in effect["rows"]}
    assert (visible(clerk), ProfileRight.objects.count()) == (before, rights)
    assert "was changed successfully" not in text(boss.get(PROFILES))
    repeated = dict(response.context["repeated"])
    assert boss.post(address, repeated).status_code == 302
    assert gained == {("Company", "view"): (len(visible(clerk)) - len(before), 0)}
    assert len(visible(clerk)) > len(before)


def test_a_preview_of_a_field_rule_names_the_field(boss: Client, clerk: Client, world: World) -> None:
    form = {"entity": "Company", "field": "Comp_Name", "profile": world.profile.pk, "read": "false"}
    form |= {"write": "unknown", "required": "unknown", "team": "", "user": ""}
    response = boss.post(f"{RULES}add/", form | {"_preview": "Preview"})
    (effect,) = response.context["effects"]
    assert ("may no longer read", ["Comp_Name"], "Company") in effect["fields"]
    assert not FieldRule.objects.filter(field="Comp_Name").exists()


def test_a_preview_with_errors_shows_them(boss: Client, world: World) -> None:
    response = boss.post(f"{RULES}add/", {"entity": "Company", "_preview": "Preview"})
    assert "This field is required." in text(response)


def test_only_who_has_the_right_previews(clerk: Client, world: World) -> None:
    address = f"/admin/entities/company/{world.company.pk}/change/"
    assert clerk.post(address, {"name": "X", "_preview": "1"}).status_code == 403


def never(world: World) -> Invariant:
    return Invariant.objects.create(
        mode="never", profile=world.profile, entity="Company", field="Comp_Revenue", action="view"
    )


def test_a_change_that_breaks_an_invariant_is_refused_with_a_counterexample(boss: Client, world: World) -> None:
    never(world)
    rule = FieldRule.objects.get(field="Comp_Revenue")
    response = boss.post(f"{RULES}{rule.pk}/delete/", {"post": "yes"})
    assert response.status_code == 409
    assert f"may ever read Comp_Revenue of Companies” would not hold for {world.clerk}." in text(response)
    assert FieldRule.objects.filter(pk=rule.pk).exists()
    assert "deleted successfully" not in text(boss.get(RULES))
    previewed = boss.post(f"{RULES}{rule.pk}/delete/", {"post": "yes", "_preview": "1"})
    assert "It cannot be stored as it is." in text(previewed)


def test_nobody_else_reads_what_does_not_hold(clerk: Client, world: World) -> None:
    """What plain SQL broke is told to administrators, not to whoever may preview."""
    never(world)
    FieldRule.objects.filter(field="Comp_Revenue").delete()
    FieldRule.objects.create(entity="Company", field="Comp_Revenue", user=world.clerk, read=False)
    world.profile.functions = ["preview"]
    world.profile.save()
    colleague = User(logon="colleague", last_name="Colleague", home_territory=world.uk)
    store(colleague).groups.add(world.profile.group)
    with pytest.raises(CommandError):
        call_command("check_policy")
    address = f"/admin/entities/case/{world.case.pk}/delete/"
    page = text(clerk.post(address, {"post": "yes", "_preview": "1"}))
    assert "Nobody gains or loses a record or a field." in page
    assert "Comp_Revenue" not in page
    assert "Colleague" not in page


def test_who_changes_no_policy_answers_for_none(clerk: Client, world: World) -> None:
    """A change that somebody else stores meanwhile is theirs."""
    start = last_change()
    world.profile.functions = ["share"]
    world.profile.save()
    assert not changed(start, world.clerk.pk)
    with transaction.atomic():
        acting(world.boss.pk)
        world.profile.save()
        Profile.objects.filter(pk=world.profile.pk).update(functions=[])
    assert changed(start, world.boss.pk)


def test_a_right_in_other_territories_breaks_nothing(world: World) -> None:
    Invariant.objects.create(mode="never", profile=world.profile, entity="Opportunity", action="view", scope="home")
    right = ProfileRight(profile=world.profile, entity="Opportunity", scope="territory", view=True)
    right.territory = world.germany
    right.save()
    assert breaches() == []
    ProfileRight.objects.filter(pk=right.pk).update(territory=world.root)
    assert len(breaches()) == 1


def test_what_must_be_inserted_is_not_stopped_by_a_field(world: World) -> None:
    ProfileRight.objects.create(profile=world.profile, entity="Company", scope="everywhere", view=True, insert=True)
    Invariant.objects.create(mode="always", profile=world.profile, entity="Company", action="insert")
    assert breaches() == []
    FieldRule.objects.create(entity="Company", field="Comp_Name", profile=world.profile, write=False)
    assert len(breaches()) == 1


def test_changes_are_judged_one_after_the_other(boss: Client, world: World) -> None:
    """A grant moves no policy version: without the lock two changes at once would not see each other."""
    sent = {"profile": world.profile.pk, "user": "", "actions": ["view"]}
    with CaptureQueriesContext(connection) as asked:
        boss.post(f"/admin/entities/company/{world.company.pk}/sharing/", sent)
    texts = [one["sql"] for one in asked]
    (made,) = [n for n, text in enumerate(texts) if "INSERT INTO" in text and "groupgrant" in text]
    (held,) = [n for n, text in enumerate(texts) if "security_policyversion" in text and "FOR UPDATE" in text]
    (judged,) = [n for n, text in enumerate(texts) if 'FROM "security_invariant"' in text]
    assert made < held < judged


def test_an_invariant_that_does_not_hold_is_not_stored(boss: Client, world: World) -> None:
    form = {"mode": "never", "profile": world.profile.pk, "entity": "Company", "action": "view"}
    response = boss.post(f"{INVARIANTS}add/", form | {"field": "", "scope": ""})
    assert response.status_code == 409
    assert f"Company {min(world.company.pk, world.own_company.pk)}" in text(response)
    assert not Invariant.objects.exists()


def test_who_does_not_know_a_kind_reads_none_of_its_fields(world: World) -> None:
    Invariant.objects.create(mode="always", profile=world.profile, entity="Company", action="view", field="Comp_Name")
    assert breaches() == []
    ProfileRight.objects.filter(profile=world.profile, entity="Company").delete()
    assert [breach.user for breach in breaches()] == [world.clerk.pk]


def test_owners_always_see_their_own(boss: Client, world: World) -> None:
    right = ProfileRight.objects.create(profile=world.profile, entity="Cases", scope="assigned", view=True)
    form = {"mode": "always", "profile": world.profile.pk, "entity": "Cases", "action": "view", "scope": "assigned"}
    assert boss.post(f"{INVARIANTS}add/", form | {"field": ""}).status_code == 302
    page = rights_of(world.profile)
    index = [str(page[f"rights-{n}-id"]) for n in range(page["rights-TOTAL_FORMS"])].index(str(right.pk))
    response = boss.post(f"{PROFILES}{world.profile.pk}/change/", page | {f"rights-{index}-DELETE": "on"})
    assert response.status_code == 409
    assert "Everybody in the profile" in text(response)
    assert ProfileRight.objects.filter(pk=right.pk).exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"field": "Comp_Nosuch"}, "Companies have no such field."),
        ({"field": "Comp_Name", "scope": "assigned"}, "A field is viewed or edited, and in no scope."),
        ({"entity": "Phone"}, "name the kind whose rights decide"),
        ({"scope": "territory"}, "No single territory can be named here."),
    ],
)
def test_impossible_invariants_are_errors_of_the_form(boss: Client, wrong: dict[str, str], said: str) -> None:
    form = {"mode": "never", "profile": "", "entity": "Company", "action": "view", "field": "", "scope": ""}
    response = boss.post(f"{INVARIANTS}add/", form | wrong)
    assert response.status_code == 200
    assert said in text(response)


def test_the_command_line_checks_what_sql_changed(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("check_policy")
    assert "All invariants hold." in capsys.readouterr().out
    never(world)
    FieldRule.objects.all().delete()
    with pytest.raises(CommandError, match="1 invariants do not hold"):
        call_command("check_policy")
    assert str(world.clerk) in capsys.readouterr().out


def test_the_page_says_why(boss: Client, clerk: Client, world: World) -> None:
    address = WHY.format(world.invisible.pk)
    page = text(boss.get(address, {"user": str(world.clerk.pk), "action": "view"}))
    assert f"{world.clerk} may not view this record." in page
    assert "Share the record with the user: view." in page
    assert clerk.get(address).status_code == 302  # as every page of a record that there is not
    mine = text(clerk.get(WHY.format(world.company.pk), {"action": "edit"}))
    assert "You may edit this record." in mine


def test_the_page_names_the_rule_that_hides_a_field(boss: Client, clerk: Client, world: World) -> None:
    rule, address = FieldRule.objects.get(field="Comp_Revenue"), WHY.format(world.company.pk)
    page = text(boss.get(address, {"user": str(world.clerk.pk), "field": "Comp_Revenue"}))
    assert f"{world.clerk} may not read Comp_Revenue of this record." in page
    assert f"FieldRule {rule.pk}: read = True" in page
    own = text(clerk.get(address, {"field": "Comp_Revenue"}))
    assert "Select a valid choice" in own
    assert "Comp_Revenue of" not in own


def test_a_clerk_explains_nobody_else(clerk: Client, world: World) -> None:
    page = text(clerk.get(WHY.format(world.company.pk), {"user": world.boss.pk}))
    assert "You may view this record." in page
    assert 'name="user"' not in page


@pytest.mark.skipif(settings.ROW_SECURITY, reason="a command of the owner, whom the second lock does not bind")
def test_the_command_line_explains(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("explain_access", world.clerk.logon, "company", str(world.company.pk), "--field", "comp_revenue")
    told = capsys.readouterr().out
    assert f"for {world.clerk.logon}: denied" in told
    assert "<- decides" in told
    assert "would change it:" in told
    with pytest.raises(CommandError, match="no such user"):
        call_command("explain_access", "nosuch", "company", str(world.company.pk))
    with pytest.raises(CommandError, match="no kind"):
        call_command("explain_access", world.clerk.logon, "nosuch", "1")
