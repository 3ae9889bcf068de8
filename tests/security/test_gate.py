"""Rows and values come through the gate: what it selects, what it shows empty, what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entities.models import Company, Person, Team
from entities.registry import registry
from security import gate, writes
from security.errors import NotPermitted, RecordNotFound
from tests.security.people import access, company, profile, right, rule, seen, territory, user

if TYPE_CHECKING:
    from entities.models import User
    from security.models import Profile

pytestmark = pytest.mark.django_db
COMPANY = registry()["Company"]
PERSON = registry()["Person"]


@pytest.fixture
def sales() -> Profile:
    return profile("Sales")


@pytest.fixture
def susan(sales: Profile) -> User:
    return user("susan", sales)


def test_each_scope_reaches_its_rows_and_they_add_up(sales: Profile) -> None:
    world = territory("Worldwide", 1, 6)
    europe = territory("Europe", 2, 4, world)
    uk, ireland = territory("UK", 3, 3, europe), territory("Ireland", 4, 4, europe)
    asia = territory("Asia", 5, 5, world)
    team, other = Team.objects.create(description="Direct"), Team.objects.create(description="Other")
    susan = user("susan", sales, teams=(team,), home_territory=uk)
    places = {"world": world, "europe": europe, "uk": uk, "ireland": ireland, "asia": asia}
    rows = {name: company(name, territory=place) for name, place in places.items()}
    rows |= {
        "created": company("created", created_by=susan),
        "assigned": company("assigned", primary_user=susan),
        "team": company("team", team=team),
        "other": company("other", team=other),
    }
    reached = set()
    for scope, names in {
        "home": {"uk"},
        "siblings": {"ireland"},
        "parent": {"europe"},
        "created_by": {"created"},
        "assigned": {"assigned"},
        "team": {"team"},
        "everywhere": set(rows),
    }.items():
        given = right(sales, "Company", "view", scope)
        reached |= {rows[name].pk for name in names}
        assert seen(susan) == reached, scope
        assert not given.territory
    sales.rights.filter(entity="Company").delete()
    right(sales, "Company", "view", "territory", territory=europe)
    assert seen(susan) == {rows[name].pk for name in ("europe", "uk", "ireland")}
    sales.rights.filter(entity="Company").update(with_subtree=False)
    assert seen(susan) == {rows["europe"].pk}


def test_the_profiles_of_a_user_are_united(sales: Profile, susan: User) -> None:
    more = profile("More")
    right(sales, "Company", "view", "created_by")
    right(more, "Company", "view", "assigned")
    mine, assigned = company(created_by=susan), company(primary_user=susan)
    assert seen(susan) == {mine.pk}
    susan.groups.add(more.group)
    assert seen(susan) == {mine.pk, assigned.pk}


def test_a_hidden_column_is_never_selected(susan: User, sales: Profile) -> None:
    right(sales, "Company", "view")
    rule("Comp_Revenue", read=False)
    company(revenue="100M+")
    plan = access(susan)
    with pytest.raises(LookupError):
        gate.select(plan, COMPANY, gate.rows(plan, COMPANY), [COMPANY.by_name["revenue"]])
    with CaptureQueriesContext(connection) as asked:
        list(gate.select(plan, COMPANY, gate.rows(plan, COMPANY), plan.shape(COMPANY).readable))
    assert "revenue" not in asked.captured_queries[0]["sql"]


def test_a_reference_to_an_invisible_record_is_empty_and_so_is_what_lies_behind(susan: User, sales: Profile) -> None:
    right(sales, "Company", "view", "created_by")
    right(sales, "Person", "view")
    visible, hidden = company("Seen", created_by=susan), company("Hidden")
    people = [Person.objects.create(last_name=name, company=of) for name, of in (("A", visible), ("B", hidden))]
    plan = access(susan)
    through = gate.through(plan, PERSON, ["Company", "Comp_Name"])
    number = gate.through(plan, PERSON, ["Pers_CompanyId"])
    assert through is not None
    assert number is not None
    shown = gate.rows(plan, PERSON).annotate(_name=through[0], _number=number[0]).order_by("pk")
    assert list(shown.values_list("_number", "_name")) == [(visible.pk, "Seen"), (None, None)]
    assert gate.titles(plan, {"Company": {visible.pk, hidden.pk}, "Person": {people[0].pk}}) == {
        ("Company", visible.pk): "Seen",
        ("Person", people[0].pk): "A",
    }


def test_a_title_is_made_of_readable_fields_and_else_neutral(susan: User, sales: Profile) -> None:
    right(sales, "Person", "view")
    ada = Person.objects.create(first_name="Ada", last_name="Sample")
    wanted = {"Person": {ada.pk}}
    assert gate.titles(access(susan), wanted) == {("Person", ada.pk): "Ada Sample"}
    rule("Pers_FirstName", "Person", read=False)
    assert gate.titles(access(susan), wanted) == {("Person", ada.pk): "Sample"}
    rule("Pers_LastName", "Person", read=False)
    assert gate.titles(access(susan), wanted) == {("Person", ada.pk): f"Person {ada.pk}"}


def test_flags_are_true_or_false_even_where_columns_are_empty(susan: User, sales: Profile) -> None:
    right(sales, "Company", "view")
    right(sales, "Company", "edit", "created_by")
    mine, other = company(created_by=susan), company()
    plan = access(susan)
    rows = gate.select(plan, COMPANY, gate.rows(plan, COMPANY).order_by("pk"), [])
    assert [(key, edit, delete) for key, _, edit, delete in rows] == [(mine.pk, True, False), (other.pk, False, False)]


def test_a_record_is_locked_for_a_write_only_where_the_action_is_allowed(susan: User, sales: Profile) -> None:
    right(sales, "Company", "view")
    right(sales, "Company", "edit", "created_by")
    mine, other, gone = company(created_by=susan), company(), company(created_by=susan)
    Company.objects.filter(pk=gone.pk).update(deleted_at="2026-01-01T00:00:00Z")
    plan = access(susan)
    assert writes.locked(plan, COMPANY, mine.pk, "edit") == mine
    with pytest.raises(NotPermitted):
        writes.locked(plan, COMPANY, other.pk, "edit")
    with pytest.raises(NotPermitted):
        writes.locked(plan, COMPANY, mine.pk, "delete")
    for key in (gone.pk, 0):
        with pytest.raises(RecordNotFound):
            writes.locked(plan, COMPANY, key, "edit")


def test_an_invisible_key_costs_the_same_statements_as_an_unused_one(susan: User, sales: Profile) -> None:
    right(sales, "Company", "view", "created_by")
    hidden, plan = company(id=900_000_001), access(susan)  # a number that stands nowhere else
    asked = []
    for key in (hidden.pk, hidden.pk + 1):
        with CaptureQueriesContext(connection) as queries, pytest.raises(RecordNotFound):
            writes.locked(plan, COMPANY, key, "edit")
        asked.append([query["sql"].replace(str(key), "?") for query in queries.captured_queries])
    assert asked[0] == asked[1]


def test_edit_and_delete_reach_only_what_may_be_viewed(susan: User, sales: Profile) -> None:
    right(sales, "Company", "edit delete")
    row = company(created_by=susan)
    assert seen(susan, action="edit") == seen(susan, action="delete") == set()
    right(sales, "Company", "view", "created_by")
    company("Unseen")
    assert seen(susan, action="edit") == seen(susan, action="delete") == {row.pk}
