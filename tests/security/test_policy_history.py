"""The history of policy: every change through any channel is recorded, and the past can be asked (security.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone
from guardian.shortcuts import assign_perm, remove_perm

from entities.models import Company, Territory, User
from entities.registry import registry
from security import explain
from security.changes import Change, apply
from security.models import FieldRule, PolicyChange, Profile, ProfileRight
from security.plan import access_for
from security.policylog import NotRecorded, beginning, facts_at
from security.recording import acting

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann() -> User:
    """Return somebody who sees their own companies."""
    place = Territory.objects.create(caption="World", number=1, number_end=9)
    user = User.objects.create(logon="ann", last_name="Ann", home_territory=place)
    profile = Profile.objects.create(group=Group.objects.create(name="Own"))
    user.groups.add(profile.group)
    ProfileRight.objects.create(profile=profile, entity="Company", scope="assigned", view=True, edit=True)
    return user


@pytest.fixture
def boss() -> User:
    """Return an administrator."""
    return User.objects.create_superuser("boss")


def changes(table: str) -> list[PolicyChange]:
    return list(PolicyChange.objects.filter(table=table).order_by("pk"))


def now() -> datetime:
    """Return the database's own time, by which changes are recorded."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        ((found,),) = cursor.fetchall()
    assert isinstance(found, type(timezone.now()))
    return found


def test_a_change_is_recorded_from_what_to_what_and_by_whom(ann: User, boss: User) -> None:
    right = ProfileRight.objects.get(entity="Company")
    acting(boss.pk)
    ProfileRight.objects.filter(pk=right.pk).update(edit=False)
    last = changes("security_profileright")[-1]
    assert (last.key, last.actor) == (right.pk, boss.pk)
    assert last.old is not None and last.new is not None
    assert {name for name in last.old if last.old[name] != last.new[name]} == {"edit"}
    right.delete()
    last = changes("security_profileright")[-1]
    assert (last.old is not None and last.old["id"], last.new) == (last.key, None)


def test_plain_sql_is_recorded_and_what_changes_nothing_is_not(ann: User) -> None:
    before = len(changes("security_profileright"))
    with connection.cursor() as cursor:
        cursor.execute("UPDATE security_profileright SET view = view")
        assert len(changes("security_profileright")) == before
        cursor.execute("UPDATE security_profileright SET view = NOT view WHERE entity = 'Company'")
    assert len(changes("security_profileright")) == before + 1


def test_a_changed_key_is_recorded_as_one_row_less_and_one_more(ann: User) -> None:
    right, then = ProfileRight.objects.get(entity="Company"), now()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE security_profileright SET id = id + 1000 WHERE id = %s", [right.pk])
    made, gone = sorted(changes("security_profileright")[-2:], key=lambda change: change.old is not None)
    assert (made.key, made.old, gone.key, gone.new) == (right.pk + 1000, None, right.pk, None)
    assert [one.pk for one in facts_at(ann.pk, then).rights if one.entity == "Company"] == [right.pk]


def test_of_an_account_only_what_rights_depend_on_is_recorded(ann: User) -> None:
    before = len(changes("entities_user"))
    ann.set_password("a long and secret word")
    ann.last_login = timezone.now()
    ann.save()
    assert len(changes("entities_user")) == before
    ann.disabled = True
    ann.save()
    last = changes("entities_user")[-1]
    assert "password" not in str(last.old) + str(last.new)
    assert last.new is not None and last.new["disabled"]


def test_grants_and_memberships_are_recorded(ann: User) -> None:
    company = Company.objects.create(name="Far")
    assign_perm("view_company", ann, company)
    table = "entities_companyusergrant"
    (made,) = PolicyChange.objects.filter(table__icontains="companyusergrant")
    assert made.new is not None and (made.new["user_id"], made.new["content_object_id"]) == (ann.pk, company.pk), table
    ann.groups.clear()
    assert changes("entities_user_groups")[-1].new is None


def verdict(user: User, reader: User, company: Company, at: datetime | None = None) -> bool:
    subject = explain.subject_of(user.pk, access_for(reader.pk), at=at)
    return explain.row(subject, registry()["Company"], company.pk, "view").allowed


def test_the_past_is_answered_from_recorded_policy(ann: User, boss: User) -> None:
    mine = Company.objects.create(name="Mine", primary_user=ann)
    far = Company.objects.create(name="Far")
    moments = [now()]
    expected = [(verdict(ann, boss, mine), verdict(ann, boss, far))]
    steps: list[Callable[[], object]] = [
        lambda: ProfileRight.objects.filter(entity="Company").update(view=False),
        lambda: assign_perm("view_company", ann, far),
        lambda: ProfileRight.objects.filter(entity="Company").update(view=True, scope="everywhere"),
        lambda: remove_perm("view_company", ann, far),
        lambda: ann.groups.clear(),
        lambda: User.objects.filter(pk=ann.pk).update(is_superuser=True),
    ]
    for step in steps:
        step()
        moments.append(now())
        expected.append((verdict(ann, boss, mine), verdict(ann, boss, far)))
    assert len(set(expected)) == 4
    found = [(verdict(ann, boss, mine, at), verdict(ann, boss, far, at)) for at in moments]
    assert found == expected


def test_field_rules_of_the_past_are_known(ann: User) -> None:
    FieldRule.objects.create(entity="Company", field="Comp_Name", user=ann, read=False)
    then = now()
    FieldRule.objects.all().delete()
    assert [rule.field for rule in facts_at(ann.pk, then).rules] == ["Comp_Name"]
    assert facts_at(ann.pk, now()).rules == ()


def test_a_time_before_the_beginning_is_refused(ann: User) -> None:
    begun = beginning()
    assert begun is not None
    with pytest.raises(NotRecorded):
        facts_at(ann.pk, begun.replace(year=begun.year - 1))


def test_changes_as_data_are_recorded_like_any_other(ann: User) -> None:
    apply(
        [
            Change("User", ann.pk, {"disabled": True}),
            Change("ExternalAccess", None, {"entity": "Cases", "offered": False}),
        ]
    )
    assert changes("entities_user")[-1].key == ann.pk
    assert changes("security_externalaccess")[-1].new is not None
