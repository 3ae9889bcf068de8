"""Writes are judged before and after: what lies outside one's rights is rolled back, what fails tells nothing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from entities.models import Company, Person, Phone, Team
from entities.registry import registry
from entities.rules.circumstances import RuleViolation
from security import writes
from security.errors import Invalid, NotPermitted, OutsideYourRights
from security.models import Change
from tests.security.people import access, company, profile, right, rule, seen, territory, user

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entities.models import Territory, User
    from security.models import Profile

pytestmark = pytest.mark.django_db
COMPANY = registry()["Company"]
PHONE = registry()["Phone"]


@pytest.fixture
def root() -> Territory:
    return territory("Worldwide", 1, 3)


@pytest.fixture
def uk(root: Territory) -> Territory:
    return territory("UK", 2, 2, root)


@pytest.fixture
def asia(root: Territory) -> Territory:
    return territory("Asia", 3, 3, root)


@pytest.fixture
def sales() -> Profile:
    return profile("Sales")


@pytest.fixture
def susan(sales: Profile, uk: Territory) -> User:
    return user("susan", sales, home_territory=uk)


@contextmanager
def refused(error: type[Exception]) -> Iterator[None]:
    """Expect a refusal that stores nothing."""
    before = [list(model.objects.order_by("pk").values()) for model in (Company, Person, Phone, Change)]
    with pytest.raises(error), transaction.atomic():
        yield
    assert before == [list(model.objects.order_by("pk").values()) for model in (Company, Person, Phone, Change)]


def create(who: User, **values: Any) -> Any:
    """Create a company."""
    return writes.create(access(who), COMPANY, {"name": "New", **values})


def update(who: User, row: Company, **values: Any) -> bool:
    """Change a company."""
    with transaction.atomic():
        record = writes.locked(access(who), COMPANY, row.pk, "edit")
        return writes.update(access(who), COMPANY, record, values)


def test_who_may_insert_nothing_is_refused(susan: User, sales: Profile, uk: Territory) -> None:
    right(sales, "Company", "view edit delete")
    with refused(NotPermitted):
        create(susan, territory=uk.pk)


def test_a_new_record_must_lie_within_the_insert_right(
    susan: User, sales: Profile, uk: Territory, asia: Territory
) -> None:
    right(sales, "Company", "insert", "home")
    assert create(susan, territory=uk.pk).territory_id == uk.pk
    with refused(OutsideYourRights):
        create(susan, territory=asia.pk)


def test_one_may_insert_what_one_does_not_see(susan: User, sales: Profile, uk: Territory) -> None:
    right(sales, "Company", "insert")
    assert create(susan, territory=uk.pk).pk
    assert seen(susan) == set()


def test_the_creator_scope_covers_what_one_creates(susan: User, sales: Profile, asia: Territory) -> None:
    right(sales, "Company", "insert view", "created_by")
    row = create(susan, territory=asia.pk)
    assert seen(susan) == {row.pk}


def test_a_territory_that_is_not_sent_is_the_first_with_insert_right(
    susan: User, sales: Profile, root: Territory, uk: Territory, asia: Territory
) -> None:
    given = right(sales, "Company", "insert", "territory", territory=root, with_subtree=False)
    assert create(susan).territory_id == root.pk, "home is skipped: no insert right there"
    sales.rights.filter(pk=given.pk).update(territory=asia)
    with refused(RuleViolation):
        create(susan)


def test_a_change_must_be_allowed_before_and_after(susan: User, sales: Profile, uk: Territory, asia: Territory) -> None:
    right(sales, "Company", "view")
    right(sales, "Company", "edit", "home")
    here, there = company(territory=uk), company(territory=asia)
    with refused(OutsideYourRights):
        update(susan, here, territory=asia.pk)
    with refused(NotPermitted):
        update(susan, there, territory=uk.pk)
    assert update(susan, here, web_site="www.example.com")


def test_a_change_may_take_a_record_out_of_ones_sight(
    susan: User, sales: Profile, uk: Territory, asia: Territory
) -> None:
    right(sales, "Company", "view", "home")
    right(sales, "Company", "edit")
    row = company(territory=uk)
    assert update(susan, row, territory=asia.pk)
    assert seen(susan) == set()


def test_a_change_that_changes_nothing_writes_nothing(susan: User, sales: Profile, uk: Territory) -> None:
    right(sales, "Company", "view edit")
    row = company("Same", territory=uk)
    assert not update(susan, row, name="Same", territory=uk.pk)
    row.refresh_from_db()
    assert row.updated_at is None
    assert not Change.objects.exists()


def test_every_write_is_stamped_and_remembered(susan: User, sales: Profile, uk: Territory) -> None:
    right(sales, "Company", "view insert edit delete")
    row = create(susan, territory=uk.pk)
    update(susan, row, name="Renamed")
    row.refresh_from_db()
    assert (row.created_by, row.updated_by) == (susan, susan)
    assert row.updated_at.microsecond == 0
    with transaction.atomic():
        writes.delete(access(susan), COMPANY, writes.locked(access(susan), COMPANY, row.pk, "delete"))
    row.refresh_from_db()
    assert row.deleted_by == susan
    remembered = Change.objects.filter(kind="Company", key=row.pk, user=susan).order_by("pk")
    assert [(change.action, change.fields) for change in remembered] == [
        ("insert", ["name", "territory"]),
        ("edit", ["name"]),
        ("delete", []),
    ]


def test_writing_a_child_needs_edit_on_the_parent(susan: User, sales: Profile) -> None:
    right(sales, "Company", "view")
    right(sales, "Company", "edit", "created_by")
    mine, other = company(created_by=susan), company()
    values = {"number": "1", "owner_table": 5}
    assert writes.create(access(susan), PHONE, {**values, "owner_id": mine.pk}).pk
    with refused(NotPermitted):
        writes.create(access(susan), PHONE, {**values, "owner_id": other.pk})


@pytest.mark.parametrize("owner", [(5, 0), (13, 0), (101, 1), (0, 0)])
def test_a_child_of_nothing_visible_is_refused_as_of_nothing(
    susan: User, sales: Profile, owner: tuple[int, int]
) -> None:
    right(sales, "Company", "view edit", "created_by")
    company(created_by=susan)
    hidden = company()
    table, key = owner
    with refused(Invalid) as _:
        writes.create(access(susan), PHONE, {"number": "1", "owner_table": table, "owner_id": key or hidden.pk})


def test_a_problem_of_a_hidden_field_is_said_neutrally(susan: User, sales: Profile, uk: Territory) -> None:
    right(sales, "Company", "view insert edit")
    too_long = {"web_site": "x" * 101, "territory": uk.pk}
    with pytest.raises(Invalid) as told:
        create(susan, **too_long)
    assert [problem[:2] for problem in told.value.problems] == [("web_site", "TooLong")]
    rule("Comp_WebSite", read=False)
    with pytest.raises(Invalid) as neutral:
        create(susan, **too_long)
    assert neutral.value.problems == [("", "BusinessRule", writes.NEUTRAL)]


def test_a_team_counts_as_written(susan: User, sales: Profile, uk: Territory) -> None:
    ours, theirs = Team.objects.create(description="Ours"), Team.objects.create(description="Theirs")
    susan.teams.add(ours)
    right(sales, "Company", "insert", "team")
    assert create(susan, territory=uk.pk, team=ours.pk).team_id == ours.pk
    with refused(OutsideYourRights):
        create(susan, territory=uk.pk, team=theirs.pk)
