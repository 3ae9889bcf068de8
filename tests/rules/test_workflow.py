"""The workflows of cases, opportunities and quotes, action by action (entities.md §7, §10 item 9)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from entities.models import Case, Opportunity, Quote, Team, User
from entities.registry import registry
from entities.rules import RuleViolation
from security import writes
from security.errors import Invalid
from security.gate import system_rows
from security.plan import access_for
from tests.rules.world import NOW, World, saved, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from entities.models import Record

OPEN = "In Progress"
State = tuple[str, str]
CASE_STAGES = ("Logged", "Queued", "Investigating", "Waiting", "Solved", "Closed")
DEAL_STAGES = ("Lead", "Qualified", "Quoted", "Negotiating", "Sale Agreed", "Sale Closed", "Deal Lost")
# action: the stages or statuses that it begins at (* = any open), the stage and status that it leads to (. = as it was)
TABLE: dict[type[Case | Opportunity], str] = {
    Case: """
        queue        Logged,Investigating,Waiting                Queued         In Progress
        investigate  Logged,Queued,Waiting,Solved                Investigating  In Progress
        wait         Queued,Investigating                        Waiting        In Progress
        solve        Logged,Queued,Investigating,Waiting         Solved         In Progress
        close        *                                           Closed         Closed
        reopen       (Closed)                                    Investigating  In Progress
        reassign     *                                           .              .
    """,
    Opportunity: """
        qualify      Lead                                        Qualified      In Progress
        quote        Lead,Qualified                              Quoted         In Progress
        negotiate    Qualified,Quoted                            Negotiating    In Progress
        agree        Quoted,Negotiating                          Sale Agreed    In Progress
        win          *                                           Sale Closed    Won
        lose         *                                           Deal Lost      Lost
        abandon      *                                           .              Closed
        reopen       (Won),(Lost),(Closed)                       Negotiating    In Progress
        reassign     *                                           .              .
    """,
}
STATES: dict[type[Case | Opportunity], tuple[State, ...]] = {
    Case: (*((stage, OPEN) for stage in CASE_STAGES), ("Closed", "Closed"), ("Waiting", "Closed")),
    Opportunity: (
        *((stage, OPEN) for stage in DEAL_STAGES),
        ("Sale Closed", "Won"),
        ("Deal Lost", "Lost"),
        ("Qualified", "Closed"),
    ),
}


def actions(model: type[Case | Opportunity]) -> Iterator[tuple[str, frozenset[State], State]]:
    """Read the table: name, states it begins at, state it leads to."""
    for line in TABLE[model].strip().splitlines():
        name, starts, stage, status = [part.strip() for part in line.split("  ") if part.strip()]
        told = starts.split(",")
        begins = frozenset(
            state
            for state in STATES[model]
            if (state[1] == OPEN and (told == ["*"] or state[0] in told)) or f"({state[1]})" in told
        )
        if model is Case and name == "reopen":
            begins |= {("Closed", OPEN)}  # its stage says that it is closed
        yield name, begins, (stage, status)


ACTIONS = [(model, *action) for model in TABLE for action in actions(model)]
NAMES = [f"{model.__name__}-{name}" for model, name, _, _ in ACTIONS]
SENT: dict[str, dict[str, Any]] = {"solve": {"solution_note": "Turned it off and on."}}


@pytest.fixture
def boss(world: World) -> User:
    """Whoever may do everything."""
    return saved(User(logon="boss", last_name="Boss", is_superuser=True))


def record_in(world: World, model: type[Case | Opportunity], state: State, **values: Any) -> Any:
    """Store a record in a state, without any rule."""
    about: dict[str, Any] = {"description": "x", "territory": world.europe, "opened": NOW}
    return saved(model(**about, stage=state[0], status=state[1], **values))


def run(actor: User, record: Record, name: str, **sent: Any) -> bool:
    """Do a transition."""
    access, entity = access_for(actor.pk), registry().by_model[type(record)]
    assert entity.workflow is not None
    step = entity.workflow.find(name)
    assert step is not None
    with transaction.atomic():
        return writes.transition(access, entity, writes.locked(access, entity, record.pk, "edit"), step, sent)


def change(actor: User, record: Record, **values: Any) -> bool:
    """Change fields."""
    access, entity = access_for(actor.pk), registry().by_model[type(record)]
    with transaction.atomic():
        return writes.update(access, entity, writes.locked(access, entity, record.pk, "edit"), values)


def create(actor: User, kind: str, **values: Any) -> Any:
    """Create a record."""
    with transaction.atomic():
        return writes.create(access_for(actor.pk), registry()[kind], values)


def state_of(record: Any) -> State:
    found = stored(record)
    return found.stage, found.status


def result(state: State, leads_to: State) -> State:
    """Return the state that follows; a dot is as it was."""
    stage, status = (was if to == "." else to for was, to in zip(state, leads_to, strict=True))
    return stage, status


def columns(record: Any) -> dict[str, Any]:
    """Return what is stored, but for what differs from record to record."""
    return {name: value for name, value in vars(stored(record)).items() if name not in ("_state", "id")}


@pytest.mark.parametrize(("model", "name", "begins", "leads_to"), ACTIONS, ids=NAMES)
def test_a_transition_begins_at_exactly_its_stages(
    world: World, boss: User, model: type[Case | Opportunity], name: str, begins: frozenset[State], leads_to: State
) -> None:
    assert begins
    for state in STATES[model]:
        record = record_in(world, model, state)
        if state in begins:
            run(boss, record, name, **SENT.get(name, {}))
            assert state_of(record) == result(state, leads_to), state
        else:
            with pytest.raises(RuleViolation) as refusal:
                run(boss, record, name, **SENT.get(name, {}))
            assert refusal.value.code == "TransitionNotAllowed"
            assert state_of(record) == state


@pytest.mark.parametrize(("model", "name", "begins", "leads_to"), ACTIONS, ids=NAMES)
def test_a_change_of_the_pair_does_the_same(
    world: World,
    boss: User,
    monkeypatch: pytest.MonkeyPatch,
    model: type[Case | Opportunity],
    name: str,
    begins: frozenset[State],
    leads_to: State,
) -> None:
    monkeypatch.setattr(writes, "present", lambda: NOW)
    sent = SENT.get(name, {})
    for state in begins:
        stage, status = result(state, leads_to)
        if (stage, status) != state:
            acted, changed = record_in(world, model, state), record_in(world, model, state)
            assert run(boss, acted, name, **sent)
            assert change(boss, changed, stage=stage, status=status, **sent)
            assert columns(changed) == columns(acted), state


@pytest.mark.parametrize("model", TABLE)
def test_no_other_change_of_the_pair_is_possible(world: World, boss: User, model: type[Case | Opportunity]) -> None:
    statuses = {status for _, status in STATES[model]}
    stages = {stage for stage, _ in STATES[model]} | {""}
    for state in STATES[model]:
        reached = {result(state, to) for _, begins, to in actions(model) if state in begins} | {state}
        record = record_in(world, model, state)
        for pair in ((stage, status) for stage in stages for status in statuses):
            if pair not in reached:
                with pytest.raises(RuleViolation) as refusal:
                    change(boss, record, stage=pair[0], status=pair[1], description="y")
                assert refusal.value.code == "TransitionNotAllowed"
        assert (state_of(record), stored(record).description) == (state, "x")


def test_an_unchanged_state_is_no_change(world: World, boss: User) -> None:
    record = record_in(world, Case, ("Closed", OPEN))
    assert not change(boss, record, stage="Closed", status=OPEN)
    assert change(boss, record, stage="Closed", status=OPEN, description="y")


def test_half_a_pair_counts_with_the_half_that_stays(world: World, boss: User) -> None:
    record = record_in(world, Case, ("Logged", OPEN))
    with pytest.raises(RuleViolation, match=r"Possible now: Queue \(Queued / In Progress\), Investigate"):
        change(boss, record, stage="Closed")
    assert change(boss, record, stage="Queued")
    deal = record_in(world, Opportunity, ("Quoted", OPEN))
    assert change(boss, deal, status="Closed")
    assert (state_of(deal), stored(deal).certainty) == (("Quoted", "Closed"), 0)


def test_closing_a_case_says_when_and_by_whom_and_reopening_forgets_it(world: World, boss: User) -> None:
    record = record_in(world, Case, ("Waiting", OPEN), assigned_user=world.actor)
    run(boss, record, "close", solution_type="Training")
    found = stored(record)
    assert found.closed is not None
    assert (found.closed, found.closed_by_id) == (found.updated_at, boss.pk)
    assert (found.solution_type, found.solution_note) == ("Training", "")
    run(boss, record, "reopen")
    found = stored(record)
    assert (found.closed, found.closed_by_id, found.assigned_user_id) == (None, None, world.actor.pk)


def test_a_record_that_is_opened_later_can_be_closed(world: World, boss: User) -> None:
    """A link that is offered is true: no date of the server's own stands against it."""
    tomorrow = NOW.replace(year=2099)
    for model, name in ((Case, "close"), (Opportunity, "win")):
        record = record_in(world, model, (STATES[model][0][0], OPEN))
        change(boss, record, opened=tomorrow)
        assert run(boss, record, name)


def test_whoever_investigates_is_assigned_unless_somebody_else_is_sent(world: World, boss: User) -> None:
    record, other = record_in(world, Case, ("Logged", OPEN)), record_in(world, Case, ("Logged", OPEN))
    run(boss, record, "investigate")
    run(boss, other, "investigate", assigned_user=world.actor.pk)
    assert (stored(record).assigned_user_id, stored(other).assigned_user_id) == (boss.pk, world.actor.pk)


def test_a_solution_is_required_unless_there_is_one(world: World, boss: User) -> None:
    record = record_in(world, Case, ("Logged", OPEN))
    with pytest.raises(Invalid) as refusal:
        run(boss, record, "solve")
    assert refusal.value.problems == [("solution_note", "Required", "Case_SolutionNote is required.")]
    with pytest.raises(Invalid) as again:
        change(boss, record, stage="Solved")
    assert again.value.problems == refusal.value.problems
    with pytest.raises(Invalid):
        run(boss, record, "solve", solution_note="")
    held, also = (record_in(world, Case, ("Logged", OPEN), solution_note="There is one.") for _ in range(2))
    run(boss, held, "solve")
    change(boss, also, stage="Solved")
    assert state_of(held) == state_of(also) == ("Solved", OPEN)


def test_reassigning_sends_the_record_to_a_user_or_a_team(world: World, boss: User) -> None:
    team = saved(Team(description="Service"))
    record = record_in(world, Case, ("Queued", OPEN))
    assert run(boss, record, "reassign", team=team.pk)
    assert run(boss, record, "reassign", assigned_user=world.actor.pk)
    assert (stored(record).team_id, stored(record).assigned_user_id) == (team.pk, world.actor.pk)
    assert not run(boss, record, "reassign", team=team.pk), "nothing changes, nothing is written"


@pytest.mark.parametrize(
    ("name", "stage", "certainty"),
    [
        ("qualify", "Lead", 25),
        ("quote", "Lead", 50),
        ("negotiate", "Quoted", 75),
        ("agree", "Quoted", 90),
        ("win", "Lead", 100),
        ("lose", "Lead", 0),
        ("abandon", "Lead", 0),
        ("reassign", "Lead", 33),
    ],
)
def test_the_certainty_follows_unless_it_is_sent(
    world: World, boss: User, name: str, stage: str, certainty: int
) -> None:
    record = record_in(world, Opportunity, (stage, OPEN), certainty=33)
    run(boss, record, name)
    assert stored(record).certainty == certainty
    record = record_in(world, Opportunity, (stage, OPEN), certainty=33)
    run(boss, record, name, certainty=42, forecast=1000)
    assert (stored(record).certainty, stored(record).forecast) == (42, 1000)


@pytest.mark.parametrize(("name", "ended"), [("win", "Won"), ("lose", "Lost"), ("abandon", "Closed")])
def test_an_ended_opportunity_has_a_closing_date_and_a_reopened_one_none(
    world: World, boss: User, name: str, ended: str
) -> None:
    record = record_in(world, Opportunity, ("Quoted", OPEN))
    run(boss, record, name)
    found = stored(record)
    assert (found.status, found.closed) == (ended, found.updated_at)
    run(boss, record, "reopen")
    found = stored(record)
    assert (found.stage, found.certainty, found.closed) == ("Negotiating", 50, None)


@pytest.mark.parametrize("model", TABLE)
def test_any_state_may_be_created_and_the_closing_dates_follow(
    world: World, boss: User, model: type[Case | Opportunity]
) -> None:
    kind = registry().by_model[model].kind
    for stage, status in STATES[model]:
        found = create(boss, kind, description="Import", stage=stage, status=status)
        assert (found.stage, found.status) == (stage, status)
        assert (found.closed is not None) == (status != OPEN)
        assert model is Opportunity or (found.closed_by_id == boss.pk) == (status != OPEN)


def test_an_abandoned_opportunity_is_imported_without_certainty(world: World, boss: User) -> None:
    assert create(boss, "Opportunity", description="x", stage="Qualified", status="Closed").certainty == 0
    assert create(boss, "Opportunity", description="x", stage="Qualified").certainty == 25


def test_a_quote_is_set_aside_and_taken_up_again(world: World, boss: User) -> None:
    quote = world.quote()
    world.text(quote, "1", "100")

    def shown() -> tuple[str, Decimal | None]:
        return stored(quote).status, stored(world.opportunity).total

    assert shown() == ("Active", Decimal(100))
    assert run(boss, quote, "deactivate")
    assert shown() == ("Inactive", Decimal(0))
    assert change(boss, quote, status="Active")
    assert shown() == ("Active", Decimal(100))
    with pytest.raises(RuleViolation) as refusal:
        run(boss, quote, "activate")
    assert refusal.value.code == "TransitionNotAllowed"
    with pytest.raises(RuleViolation) as refusal:
        change(boss, quote, status="Converted")
    assert refusal.value.code == "TransitionNotAllowed"


@pytest.mark.parametrize(("stage", "follows"), [("Lead", "Quoted"), ("Qualified", "Quoted"), ("Negotiating", None)])
def test_the_first_quote_brings_the_opportunity_to_quoted(
    world: World, boss: User, stage: str, follows: str | None
) -> None:
    system_rows(Opportunity).filter(pk=world.opportunity.pk).update(stage=stage, certainty=1)
    create(boss, "Quotes", opportunity=world.opportunity.pk)
    found = stored(world.opportunity)
    assert (found.stage, found.certainty) == ((follows, 50) if follows else (stage, 1))


def test_further_quotes_and_those_of_an_ended_opportunity_change_nothing(world: World, boss: User) -> None:
    world.quote()
    create(boss, "Quotes", opportunity=world.opportunity.pk)
    assert state_of(world.opportunity) == ("Lead", OPEN)
    system_rows(Quote).update(deleted_at=NOW)
    system_rows(Opportunity).filter(pk=world.opportunity.pk).update(status="Closed")
    create(boss, "Quotes", opportunity=world.opportunity.pk)
    assert state_of(world.opportunity) == ("Lead", "Closed")


def test_without_a_workflow_stage_and_status_are_ordinary_fields(world: World, boss: User, settings: Any) -> None:
    settings.WORKFLOWS_OFF = frozenset({"Cases"})
    record = record_in(world, Case, ("Logged", OPEN))
    assert change(boss, record, stage="Solved", status="Closed")
    assert (state_of(record), stored(record).closed) == (("Solved", "Closed"), None)
    assert access_for(boss.pk).shape(registry()["Cases"]).transitions == ()
    assert create(boss, "Cases", description="x", status="Closed").closed is None
    with pytest.raises(RuleViolation):
        change(boss, record_in(world, Opportunity, ("Lead", OPEN)), status="Won")
