"""Territory, user and team of a new record: every line of the table, with and without the insert right at each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from entities.models import Case, Company, Opportunity, Person, Record, Team, Territory, User
from entities.rules import RuleViolation
from tests.rules.world import World, create, saved, stored, update

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = ("company", "person", "assigned", "creator", "root")


class Steps:
    """Records with a territory of its own at each step of the table."""

    def __init__(self, root: Territory, empty: frozenset[str]) -> None:
        self.places: dict[str, Territory | None] = {"root": root}
        for name in STEPS[:-1]:
            self.places[name] = None if name in empty else saved(Territory(caption=name, parent=root))
        self.creator = saved(User(logon="creator", last_name="C", home_territory=self.places["creator"]))
        self.assigned = saved(User(logon="assigned", last_name="A", home_territory=self.places["assigned"]))
        self.company = saved(Company(name="Company", territory=self.places["company"]))
        self.person = saved(Person(last_name="Person", territory=self.places["person"]))


def chosen(steps: Steps, record: Record, insertable: frozenset[str]) -> str | None:
    """Return the step whose territory a new record gets, None where it is refused."""
    keys = {place.pk: name for name, place in steps.places.items() if place is not None}

    def may_insert(candidate: Any) -> bool:
        return keys[candidate.territory_id] in insertable

    try:
        found: Any = create(steps.creator, record, may_insert=may_insert)
    except RuleViolation as violation:
        assert (violation.code, violation.field) == ("OutsideYourRights", "territory")
        return None
    return keys[found.territory_id]


def dealing(model: type[Case | Opportunity], *parties: str) -> Callable[[Steps], Record]:
    def make(steps: Steps) -> Record:
        values = {f"primary_{name}": getattr(steps, name) for name in parties}
        return model(description="New", assigned_user=steps.assigned, **values)

    return make


LINES: dict[str, tuple[Callable[[Steps], Record], tuple[str, ...]]] = {
    "company and person": (dealing(Case, "company", "person"), STEPS),
    "person only": (dealing(Case, "person"), ("person", "assigned", "creator", "root")),
    "company only": (dealing(Opportunity, "company"), ("company", "assigned", "creator", "root")),
    "neither": (dealing(Opportunity), ("assigned", "creator", "root")),
    "a company": (
        lambda steps: Company(name="New", primary_user=steps.assigned),
        ("assigned", "creator", "root"),
    ),
    "a person of a company": (
        lambda steps: Person(last_name="New", company=steps.company, primary_user=steps.assigned),
        ("company", "assigned", "creator", "root"),
    ),
}


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("denied", range(6))
def test_the_first_step_within_the_insert_right_decides(db: None, line: str, denied: int) -> None:
    make, order = LINES[line]
    steps = Steps(saved(Territory(caption="Worldwide")), frozenset())
    insertable = frozenset(order[denied:])
    expected = order[denied] if denied < len(order) else None
    assert chosen(steps, make(steps), insertable) == expected


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("missing", range(1, 5))
def test_an_empty_step_is_skipped(db: None, line: str, missing: int) -> None:
    make, order = LINES[line]
    filled = order[:-1][missing:]
    steps = Steps(saved(Territory(caption="Worldwide")), frozenset(order) - {*filled})
    assert chosen(steps, make(steps), frozenset(STEPS)) == (filled[0] if filled else "root")


def test_a_territory_that_is_sent_is_used_as_it_is(world: World) -> None:
    company = create(world.actor, Company(name="New", territory=world.root), may_insert=lambda record: False)
    assert stored(company).territory_id == world.root.pk


def test_without_any_territory_a_record_has_none(db: None) -> None:
    actor = saved(User(logon="x", last_name="X"))
    assert create(actor, Company(name="New"), may_insert=lambda record: False).territory_id is None


def test_a_record_cannot_lose_its_territory(world: World) -> None:
    with pytest.raises(RuleViolation) as caught:
        update(world.actor, world.company, territory_id=None)
    assert caught.value.field == "territory"


def test_the_caller_is_assigned_with_his_team(world: World) -> None:
    for record in (
        create(world.actor, Company(name="New")),
        create(world.actor, Person(last_name="New")),
        create(world.actor, Opportunity(description="New")),
        create(world.actor, Case(description="New")),
    ):
        assigned = getattr(record, "primary_user_id", None) or getattr(record, "assigned_user_id", None)
        assert (assigned, record.team_id) == (world.actor.pk, world.team.pk)


def test_the_team_is_that_of_the_assigned_user(world: World) -> None:
    other = saved(Team(description="Support"))
    user = saved(User(logon="peter", last_name="P", primary_team=other))
    assert create(world.actor, Case(description="New", assigned_user=user)).team_id == other.pk
    sent = create(world.actor, Case(description="New", assigned_user=user, team=world.team))
    assert sent.team_id == world.team.pk


def test_an_empty_value_that_the_caller_sent_stays_empty(world: World) -> None:
    case = create(world.actor, Case(description="New"), given=frozenset({"assigned_user", "team", "opened"}))
    assert (case.assigned_user_id, case.team_id, case.opened) == (None, None, None)


def test_a_person_of_a_company_has_its_account_manager(world: World) -> None:
    manager = saved(User(logon="william", last_name="W"))
    world.company.primary_user = manager
    world.company.save()
    assert create(world.actor, Person(last_name="New", company=world.company)).primary_user_id == manager.pk
    manager.disabled = True
    manager.save()
    assert create(world.actor, Person(last_name="New", company=world.company)).primary_user_id == world.actor.pk


def test_a_quote_is_assigned_like_its_opportunity(world: World) -> None:
    other = saved(Team(description="Partners"))
    user = saved(User(logon="olivia", last_name="O"))
    update(world.actor, world.opportunity, assigned_user_id=user.pk, team_id=other.pk, territory_id=world.uk.pk)
    quote = world.quote()
    assert (quote.assigned_user_id, quote.team_id, quote.territory_id) == (user.pk, other.pk, world.uk.pk)


@pytest.mark.parametrize("flag", ["disabled", "is_template"])
def test_nobody_is_assigned_who_cannot_work(world: World, flag: str) -> None:
    idle = saved(User(logon="idle", last_name="I", **{flag: True}))
    with pytest.raises(RuleViolation) as caught:
        create(world.actor, Case(description="New", assigned_user=idle))
    assert (caught.value.field, caught.value.code) == ("assigned_user", "BusinessRule")
    with pytest.raises(RuleViolation):
        update(world.actor, world.company, primary_user_id=idle.pk)
    case = saved(Case(description="Old", assigned_user=idle, territory=world.uk))
    assert update(world.actor, case, description="Still his").assigned_user_id == idle.pk


def test_a_resource_may_be_assigned(world: World) -> None:
    room = saved(User(logon="room", last_name="Room", resource=True))
    assert create(world.actor, Case(description="New", assigned_user=room)).assigned_user_id == room.pk
