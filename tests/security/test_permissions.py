"""Django's and guardian's own questions and grants: answered by, and written for, the one plan."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import authenticate, get_backends
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db import connection
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import assign_perm, remove_perm

from entities.models import Currency, Person, Phone, User
from entities.registry import permission, registry
from security.grants import GRANTS
from security.plan import DJANGO_ACTIONS
from tests.security.people import access, company, profile, right, rule, seen, territory, user

pytestmark = pytest.mark.django_db
OWN = [entity for entity in registry() if entity.has_own_rights]


def test_a_grant_to_a_profile_is_visible_at_once_and_its_removal_too() -> None:
    partner = profile("Partner")
    olivia, row, other = user("olivia", partner), company(), company("Other")
    assert seen(olivia) == set()
    assert not access(olivia).knows(registry()["Company"])
    assign_perm("view_company", partner.group, row)
    assert seen(olivia) == {row.pk}
    assert access(olivia).knows(registry()["Company"])
    assert olivia.has_perm("entities.view_company", row)
    assert not olivia.has_perm("entities.view_company", other)
    remove_perm("view_company", partner.group, row)
    assert seen(olivia) == set()
    assert not olivia.has_perm("entities.view_company", row)


def test_a_grant_to_a_user_counts_for_that_user_alone() -> None:
    partner = profile("Partner")
    olivia, other, row = user("olivia", partner), user("other", partner), company()
    assign_perm("entities.view_company", olivia, row)
    assert (seen(olivia), seen(other)) == ({row.pk}, set())


def test_a_grant_of_edit_or_delete_needs_view_to_have_an_effect() -> None:
    partner = profile("Partner")
    olivia, row = user("olivia", partner), company()
    assign_perm("change_company", partner.group, row)
    assign_perm("delete_company", olivia, row)
    assert seen(olivia, action="edit") == seen(olivia, action="delete") == set()
    assert not olivia.has_perm("entities.change_company", row)
    assign_perm("view_company", olivia, row)
    assert seen(olivia, action="edit") == seen(olivia, action="delete") == {row.pk}
    assert olivia.has_perm("entities.change_company", row)
    assert olivia.has_perm("entities.delete_company", row)


def test_a_grant_to_a_group_that_is_no_profile_counts_for_nobody() -> None:
    group = Group.objects.create(name="Choir")
    olivia, row = user("olivia"), company()
    olivia.groups.add(group)
    assign_perm("view_company", group, row)
    assert seen(olivia) == set()


@pytest.mark.parametrize("entity", OWN, ids=lambda entity: str(entity.kind))
def test_grants_land_in_the_direct_tables(entity: Any) -> None:
    of_users, of_groups = GRANTS[entity.kind]
    holder, group = user("holder"), profile("Holders").group
    row: Any = holder if entity.model is User else entity.model(pk=1)
    for action in ("view", "change", "delete"):
        assign_perm(permission(entity, action), holder, row)
        assign_perm(permission(entity, action), group, row)
    assert of_users._default_manager.filter(content_object=row.pk).count() == 3
    assert of_groups._default_manager.filter(content_object=row.pk).count() == 3
    assert not UserObjectPermission.objects.exists()
    assert not GroupObjectPermission.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM " + of_users._meta.db_table)  # the rows granted here were never stored
        cursor.execute("DELETE FROM " + of_groups._meta.db_table)


def test_a_child_has_no_grants_of_its_own() -> None:
    olivia, row = user("olivia"), company()
    phone = Phone.objects.create(number="1", owner_table=5, owner_id=row.pk)
    assign_perm("view_phone", olivia, phone)
    assert seen(olivia, "Phone") == set()
    assert not olivia.has_perm("entities.view_phone", phone)


def test_writes_of_reference_kinds_are_the_administrators_whatever_is_written_down() -> None:
    clerks = profile("Clerks")
    right(clerks, "Currency", "insert edit delete", "created_by")
    clerk, boss = user("clerk", clerks), user("boss", is_superuser=True)
    euro = Currency.objects.create(symbol="EUR", rate=Decimal(1), created_by=clerk)
    assign_perm("change_currency", clerk, euro)
    assert seen(clerk, "Currency") == {euro.pk}, "view is what a new profile starts with"
    assert access(clerk).shape(registry()["Currency"]).actions == {"view"}
    assert seen(clerk, "Currency", "edit") == set()
    assert seen(boss, "Currency", "edit") == {euro.pk}


def test_a_new_profile_starts_with_view_of_the_reference_kinds_and_staff_may_take_it_away() -> None:
    new = profile("New")
    given = {(item.entity, item.view, item.insert or item.edit or item.delete_right) for item in new.rights.all()}
    assert given == {(entity.kind, True, False) for entity in registry() if entity.reference_kind}
    new.rights.filter(entity="Users").delete()
    new.save()
    assert not access(user("nora", new)).knows(registry()["Users"])


def test_a_user_without_profile_knows_no_kind() -> None:
    nora = user("nora")
    company(primary_user=nora, created_by=nora)
    assert not [entity.kind for entity in registry() if access(nora).knows(entity)]
    assert seen(nora) == set()


def test_a_superuser_is_a_full_plan_through_the_same_predicates() -> None:
    boss, row = user("boss", is_superuser=True), company()
    gone = company("Gone", deleted_at="2026-01-01T00:00:00Z")
    assert seen(boss) == {row.pk}
    assert boss.has_perm("entities.change_company", row)
    assert not boss.has_perm("entities.view_company", gone), "deleted rows are in nobody's plan"
    rule("Comp_Revenue", read=False)
    assert access(boss).shape(registry()["Company"]).reads("revenue")
    boss.is_superuser = False
    boss.save()
    assert seen(boss) == set()
    assert not boss.has_perm("entities.change_company", row)


def test_policy_tables_are_the_superusers() -> None:
    everything = profile("Everything")
    for entity in OWN:
        right(everything, entity.kind, "insert edit delete view", "created_by")
    clerk, boss = user("clerk", everything, is_staff=True), user("boss", is_superuser=True)
    for name in ("security.change_profileright", "auth.change_group", "security.view_token"):
        assert (clerk.has_perm(name), boss.has_perm(name)) == (False, True)
    assert not clerk.has_module_perms("security")
    assert boss.has_module_perms("security")
    assert clerk.has_module_perms("entities")
    assert not user("nora").has_module_perms("entities")


def test_permissions_stored_the_way_of_django_give_nothing() -> None:
    nora, row = user("nora"), company()
    stored = Permission.objects.get(codename="view_company")
    nora.user_permissions.add(stored)
    nora.groups.add(group := profile("Empty").group)
    group.permissions.add(stored)
    assert not nora.has_perm("entities.view_company", row)
    assert not nora.has_perm("entities.view_company")


@pytest.mark.parametrize("state", ["disabled", "resource", "is_template"])
def test_who_may_not_log_in_has_no_permission(state: str) -> None:
    sales = profile("Sales")
    right(sales, "Company", "view")
    row = company()
    susan, boss = user("susan", sales), user("boss", is_superuser=True)
    for who in (susan, boss):
        setattr(who, state, True)
        who.save()
        assert not who.has_perm("entities.view_company", row)
        assert not who.has_perm("entities.view_company")
        assert not who.has_module_perms("entities")


def test_nobody_in_particular_has_no_permission() -> None:
    (backend,) = get_backends()
    row = company()
    assert not backend.has_perm(AnonymousUser(), "entities.view_company", row)
    assert not AnonymousUser().has_perm("entities.view_company", row)


def test_the_permission_must_belong_to_the_row() -> None:
    sales = profile("Sales")
    right(sales, "Company", "view")
    susan = user("susan", sales)
    person = Person.objects.create(last_name="Sample")
    company(pk=person.pk)
    assert not susan.has_perm("entities.view_company", person)
    assert not susan.has_perm("entities.view_person", person)
    assert not susan.has_perm("entities.nosuch", person)


def test_has_perm_without_a_row_says_whether_some_scope_or_grant_gives_it() -> None:
    sales = profile("Sales")
    right(sales, "Company", "view edit", "home")
    homeless, at_home = user("homeless", sales), user("home", sales, home_territory=territory("Worldwide", 1, 1))
    assert at_home.has_perm("entities.change_company")
    assert not at_home.has_perm("entities.delete_company")
    assert not homeless.has_perm("entities.change_company"), "a scope that can reach no place gives nothing"
    assign_perm("view_company", homeless, company())
    assert homeless.has_perm("entities.view_company")


def test_the_administration_logs_in_through_the_same_backend() -> None:
    peter = user("peter", is_staff=True, password=make_password("secret"))
    assert authenticate(username="PETER", password="secret") == peter
    assert authenticate(username="peter", password="wrong") is None
    assert authenticate(username=None, password=None) is None
    (backend,) = get_backends()
    assert backend.get_user(peter.pk) == peter
    peter.disabled = True
    peter.save()
    assert backend.get_user(peter.pk) is None
    assert authenticate(username="peter", password="secret") is None


def test_every_action_has_its_django_permission() -> None:
    stored = set(Permission.objects.values_list("content_type__app_label", "codename"))
    for entity in registry():
        for action in DJANGO_ACTIONS.values():
            assert ("entities", permission(entity, action)) in stored
