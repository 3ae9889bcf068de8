"""Faults in scopes, levels and functions of the gate, each noticed by one cheap check (security.md §8.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db.models import F, Q, Value
from guardian.shortcuts import assign_perm

from entities.models import Company, Person, Team
from entities.registry import registry
from security import gate, plan, predicates, reading, shapes, surroundings, writes
from security.errors import NotPermitted, OutsideYourRights, RecordNotFound
from security.grants import GRANTS
from security.reading import Columns, Window
from tests.mutants.planting import Fault, noticed, replaced, wrapped
from tests.security.people import access, company, profile, right, rule, seen, territory, user

if TYPE_CHECKING:
    from collections.abc import Callable

    from entities.models import User
    from tests.mutants.planting import Plant

pytestmark = pytest.mark.django_db
COMPANY, PERSON, PHONE = (registry()[kind] for kind in ("Company", "Person", "Phone"))
SCOPES = ("home", "siblings", "parent", "created_by", "assigned", "team", "everywhere")
LEVELS = ("everyone", "profile", "team", "user")


def somebody(*rights: tuple[str, str, str]) -> User:
    """Return a user of a profile of its own with these rights (kind, actions, scope)."""
    number = Team.objects.count()
    Team.objects.create(description=f"Team {number}")
    holder = profile(f"Profile {number}")
    for kind, actions, scope in rights:
        right(holder, kind, actions, scope)
    return user(f"user{number}", holder)


def reaches(scope: str) -> Callable[[], None]:
    """Return the check that one scope reaches its rows and no other."""

    def check() -> None:
        world = territory("Worldwide", 1, 6)
        europe = territory("Europe", 2, 4, world)
        uk, ireland = territory("UK", 3, 3, europe), territory("Ireland", 4, 4, europe)
        team = Team.objects.create(description="Direct")
        who = user(f"who{scope}", profile(scope), teams=(team,), home_territory=uk)
        rows = {
            "home": company(territory=uk),
            "siblings": company(territory=ireland),
            "parent": company(territory=europe),
            "created_by": company(created_by=who),
            "assigned": company(primary_user=who),
            "team": company(team=team),
        }
        company(territory=world)
        right(who.groups.get().profile, "Company", "view", scope)
        wanted = {row.pk for row in Company.objects.all()} if scope == "everywhere" else {rows[scope].pk}
        assert seen(who) == wanted, scope

    check.__name__ = f"reaches({scope!r})"
    return check


def named_territories() -> None:
    """A named territory has what lies below it where the right says so."""
    europe = territory("Europe", 2, 4)
    uk = territory("UK", 3, 3, europe)
    rows = [company(territory=europe), company(territory=uk)]
    one, other = profile("One"), profile("Other")
    right(one, "Company", "view", "territory", territory=europe)
    right(other, "Company", "view", "territory", territory=europe, with_subtree=False)
    assert seen(user("one", one)) == {row.pk for row in rows}
    assert seen(user("other", other)) == {rows[0].pk}


def grants() -> None:
    """A grant to a user or to a profile reaches its row, for its action."""
    one, other, who = company(), company(), somebody()
    assign_perm("view_company", who, one)
    assert seen(who) == {one.pk}
    assign_perm("view_company", who.groups.get(), other)
    assert seen(who) == {one.pk, other.pk}
    assert seen(who, action="edit") == set()


def decides(level: str) -> Callable[[], None]:
    """Return the check that a rule of a level is heard, against one of the level below it."""

    def check() -> None:
        who = somebody(("Company", "view", "everywhere"))
        team = Team.objects.create(description="Rules")
        who.teams.add(team)
        found: dict[str, dict[str, Any]] = {
            "everyone": {},
            "profile": {"profile": who.groups.get().profile},
            "team": {"team": team},
            "user": {"user": who},
        }
        rule("Comp_Revenue", read=False, **found[level])
        below = LEVELS[: LEVELS.index(level)]
        if below:
            rule("Comp_Revenue", read=True, **found[below[-1]])
        assert not access(who).shape(COMPANY).reads("revenue"), level

    check.__name__ = f"decides({level!r})"
    return check


def live_rows_alone() -> None:
    """A deleted row is nobody's."""
    who = somebody(("Company", "view", "everywhere"))
    row = company()
    assert set(surroundings.live(Company, [row.pk])) == {row.pk}
    Company.objects.filter(pk=row.pk).update(deleted_at="2026-01-01T00:00:00Z")
    assert seen(who) == set()
    assert not surroundings.live(Company, [row.pk])


def where_a_row_may_lie() -> None:
    """A change may not put a row where it may not be edited."""
    who = somebody(("Company", "view", "everywhere"), ("Company", "edit", "created_by"))
    other = company()
    found = gate.rows_after(access(who), COMPANY, "edit").filter(pk=other.pk)
    assert not found.exists()
    who = somebody(("Company", "view insert", "assigned"))
    try:
        writes.create(access(who), COMPANY, {"name": "Another's", "primary_user": user("another").pk})
    except OutsideYourRights:
        pass
    else:
        raise AssertionError("a row was put where it may not be inserted")


def one_verdict() -> None:
    """One row is asked about as rows are listed."""
    who = somebody(("Company", "view", "created_by"))
    assert not gate.allows(access(who), COMPANY, "view", company().pk)
    assert gate.allows(access(who), COMPANY, "view", company(created_by=who).pk)


def locking() -> None:
    """A row is locked for what may be done to it."""
    who = somebody(("Company", "view", "everywhere"), ("Company", "edit", "created_by"))
    try:
        gate.locked(access(who), COMPANY, company().pk, "edit")
    except NotPermitted:
        pass
    else:
        raise AssertionError("a row was locked that may not be edited")
    with pytest.raises(RecordNotFound):
        gate.locked(access(who), COMPANY, 0, "edit")


def children() -> None:
    """Children are added where the owner may be edited."""
    who = somebody(("Company", "view", "everywhere"), ("Company", "edit", "created_by"))
    assert not gate.open_to_children(access(who), COMPANY, company().pk, PHONE)
    assert gate.open_to_children(access(who), COMPANY, company(created_by=who).pk, PHONE)


def offered() -> None:
    """What the contract does not offer is not possible, nor on a row that is not there for the actor."""
    who = somebody(("Company", "view edit", "created_by"))
    assert not gate.possible_now(access(who), COMPANY, "delete", company(created_by=who).pk)
    assert not gate.possible_now(access(who), COMPANY, "edit", company().pk)


def names() -> None:
    """A hidden name is no name."""
    who = somebody(("Company", "view", "everywhere"))
    rule("Comp_Revenue", read=False)
    assert gate.resolve(access(who), COMPANY, "Comp_Revenue") is None
    assert gate.resolve(access(who), COMPANY, "comp_name") is not None


def relations() -> None:
    """A relation to an unknown kind is none."""
    who = somebody(("Person", "view", "everywhere"))
    assert gate.relation(access(who), PERSON, "Company") is None


def empty_references() -> None:
    """An invisible record is empty, and so is what lies behind it."""
    who = somebody(("Company", "view", "created_by"), ("Person", "view", "everywhere"))
    hidden = company("Hidden")
    person = Person.objects.create(last_name="B", company=hidden)
    told = access(who)
    for path in (["Company", "Comp_Name"], ["Pers_CompanyId"]):
        found = gate.through(told, PERSON, path)
        assert found is not None
        assert list(gate.rows(told, PERSON).annotate(_v=found[0]).values_list("_v", flat=True)) == [None], path
    assert gate.titles(told, {"Company": {hidden.pk}, "Person": {person.pk}}) == {("Person", person.pk): "B"}


def columns() -> None:
    """A hidden column is not selected."""
    who = somebody(("Company", "view", "everywhere"))
    rule("Comp_Revenue", read=False)
    company()
    told = access(who)
    with pytest.raises(LookupError):
        list(gate.select(told, COMPANY, gate.rows(told, COMPANY), [COMPANY.by_name["revenue"]]))
        raise AssertionError("a hidden column was selected")


def flags() -> None:
    """Flags say what may be done to each row."""
    who = somebody(("Company", "view", "everywhere"), ("Company", "edit", "created_by"))
    mine, other = company(created_by=who), company()
    told = access(who)
    found = gate.select(told, COMPANY, gate.rows(told, COMPANY).order_by("pk"), [])
    assert [(key, edit, delete) for key, _, edit, delete in found] == [(mine.pk, True, False), (other.pk, False, False)]


def by_key() -> None:
    """Rows read by key are visible ones."""
    who = somebody(("Company", "view", "created_by"))
    assert reading.records(access(who), COMPANY, [company().pk], Columns(())) == []


def of_page() -> None:
    """A page says of each row what may be done to it."""
    who = somebody(("Company", "view", "everywhere"), ("Company", "edit", "created_by"))
    mine, other = company(created_by=who), company()
    told = access(who)
    keys = gate.rows(told, COMPANY).order_by("pk").values_list("pk", "pk")
    found = reading.page(told, COMPANY, Columns(()), [keys], Window(("ASC",), 10)).rows()
    assert [(row[0], row[2], row[3]) for row in found] == [(mine.pk, True, False), (other.pk, False, False)]


def titles() -> None:
    """A title is made of readable fields, and is neutral where there are none."""
    who = somebody(("Person", "view", "everywhere"))
    key = Person.objects.create(first_name="Ada", last_name="Sample").pk
    rule("Pers_LastName", "Person", read=False)
    assert gate.titles(access(who), {"Person": {key}}) == {("Person", key): "Ada"}
    assert gate.every_title(access(who), ["Person"], 2) == [("Person", key, "Ada")]
    rule("Pers_FirstName", "Person", read=False)
    told = access(who)
    assert gate.titles(told, {"Person": {key}}) == {("Person", key): f"Person {key}"}
    shown = gate.rows(told, PERSON).annotate(_t=gate.shown_title(told, PERSON)).values_list("_t", flat=True)
    assert list(shown) == [f"Person {key}"]


def scope(name: str, becomes: Q = predicates.NOBODY) -> Plant:
    """A scope that reaches nobody, or everything."""
    return wrapped(
        predicates, "scope_condition", lambda told, rule, *rest: becomes if rule.scope == name else told(rule, *rest)
    )


def taken_for(name: str, other: str) -> Plant:
    """One scope of the tree is taken for another."""

    def change(told: Any, stored: Any, *rest: Any) -> Any:
        stored.scope = other if stored.scope == name else stored.scope
        return told(stored, *rest)

    return wrapped(plan, "row_rule", change)


def subtree(value: bool) -> Plant:
    """A named territory always, or never, has its subtree."""

    def change(told: Any, stored: Any, *rest: Any) -> Any:
        stored.with_subtree = value
        return told(stored, *rest)

    return wrapped(plan, "row_rule", change)


def without(level: str) -> Plant:
    """A level that is not heard."""
    return replaced(shapes, "LEVELS", tuple(one for one in shapes.LEVELS if one != level))


def granted(kept: str) -> Plant:
    """Only the grants to users, or to groups."""

    def broken(told: Any, *given: Any) -> list[Any]:
        tables = [users if kept == "user" else groups for users, groups in GRANTS.values()]
        return [rows for rows in told(*given) if rows.model in tables] or [told(*given)[0].none()]

    return wrapped(predicates, "grants_of", broken)


def unfiltered(access: Any, entity: Any, action: Any = "view") -> Any:
    """Rows whoever asks."""
    return gate.system_rows(entity.model)


def stored(told: Any, access: Any, entity: Any, field: Any) -> Any:
    """What a reference holds, whether its target is visible or not."""
    return F(field.column) if field.target and field.shown is None else told(access, entity, field)


def unlocked(access: Any, entity: Any, key: int, action: Any) -> Any:
    """A row is locked whatever may be done to it."""
    return gate.rows(access, entity).get(pk=key)


def may_all(entity: Any) -> Any:
    """Every row is as if all could be done to it."""
    yes = entity.model.objects.annotate(_title=F("name"), _yes=Value(True))
    return yes.values_list("pk", "_title", "_yes", "_yes")


def every_column(access: Any, entity: Any, query: Any, fields: Any, *_: Any, **__: Any) -> Any:
    """Columns are selected whether they may be read or not."""
    return query.values_list("pk", *(field.column for field in fields))


def whole_titles(access: Any, wanted: Any) -> dict[tuple[str, int], str]:
    """Titles are those of the records themselves."""
    found = (
        (kind, row)
        for kind, keys in wanted.items()
        for row in gate.system_rows(registry()[kind].model).filter(pk__in=keys)
    )
    return {(kind, row.pk): str(row) for kind, row in found}


def every_whole_title(access: Any, kinds: Any, most: int) -> list[tuple[str, int, str]]:
    """Titles of all records, as they are stored."""
    return [(kind, row.pk, str(row)) for kind in kinds for row in gate.system_rows(registry()[kind].model)[:most]]


FAULTS = (
    *(Fault("scope", f"{name} reaches nobody", scope(name), reaches(name)) for name in SCOPES[3:]),
    Fault("scope", "team reaches everything", scope("team", Q()), reaches("team")),
    Fault("scope", "home means parent", taken_for("home", "parent"), reaches("home")),
    Fault("scope", "siblings means home", taken_for("siblings", "home"), reaches("siblings")),
    Fault("scope", "parent means siblings", taken_for("parent", "siblings"), reaches("parent")),
    Fault("scope", "territory: always with its subtree", subtree(True), named_territories),
    Fault("scope", "territory: never with its subtree", subtree(False), named_territories),
    Fault("scope", "grants to users are forgotten", granted("group"), grants),
    Fault("scope", "grants to profiles are forgotten", granted("user"), grants),
    *(Fault("level", f"{name} is not heard", without(name), decides(name)) for name in LEVELS),
    Fault(
        "gate",
        "system_rows: deleted rows too",
        replaced(gate, "system_rows", lambda m: m._default_manager.all()),
        live_rows_alone,
    ),
    Fault("gate", "rows: unfiltered", replaced(gate, "rows", unfiltered), reaches("created_by")),
    Fault("gate", "rows_after: unfiltered", replaced(gate, "rows_after", unfiltered), where_a_row_may_lie),
    Fault("gate", "allows: always", replaced(gate, "allows", lambda *_: True), one_verdict),
    Fault("gate", "allowed: all of them", replaced(gate, "allowed", lambda a, e, action, keys: set(keys)), one_verdict),
    Fault("gate", "locked: whatever may be done", replaced(gate, "locked", unlocked), locking),
    Fault("gate", "open_to_children: always", replaced(gate, "open_to_children", lambda *_: True), children),
    Fault("gate", "possible_now: always", replaced(gate, "possible_now", lambda *_: True), offered),
    Fault("gate", "resolve: hidden names too", replaced(gate, "resolve", lambda a, e, n: e.field(n)), names),
    Fault(
        "gate",
        "relation: unknown kinds too",
        replaced(gate, "relation", lambda a, e, n: (e.relations[n.lower()], COMPANY)),
        relations,
    ),
    Fault("gate", "expression: references as stored", wrapped(gate, "expression", stored), empty_references),
    Fault(
        "gate",
        "through: invisible records too",
        wrapped(
            gate, "through", lambda told, a, e, n: (F("company__name"), e.fields[0]) if len(n) > 1 else told(a, e, n)
        ),
        empty_references,
    ),
    Fault("gate", "select: hidden columns too", replaced(gate, "select", every_column), columns),
    Fault(
        "gate",
        "select_known: whatever may be done",
        replaced(gate, "select_known", lambda a, e, *_, **__: may_all(e)),
        of_page,
    ),
    Fault("gate", "_flag: always", replaced(gate, "_flag", lambda *_, **__: Value(True)), flags),
    Fault(
        "reading",
        "records: invisible rows too",
        replaced(reading, "records", lambda a, e, keys, *_: [(k,) for k in keys]),
        by_key,
    ),
    Fault("gate", "titles: whole and of all", replaced(gate, "titles", whole_titles), titles),
    Fault("gate", "every_title: whole and of all", replaced(gate, "every_title", every_whole_title), titles),
    Fault(
        "gate", "title_expression: all fields", replaced(gate, "title_expression", lambda *_: F("last_name")), titles
    ),
    Fault("gate", "neutral_title: the stored one", replaced(gate, "neutral_title", lambda *_: "Ada Sample"), titles),
    Fault("gate", "shown_title: the stored one", replaced(gate, "shown_title", lambda *_: F("last_name")), titles),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.where}: {fault.name}")
def test_a_fault_is_noticed_by_its_check(
    fault: Fault, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    noticed(fault, monkeypatch, record_property)


def test_every_function_of_the_gate_has_a_fault() -> None:
    own = {name for name, found in vars(gate).items() if callable(found) and found.__module__ == gate.__name__}
    functions = {name for name in own if not name.startswith("_") and name != "M"}
    assert functions <= {fault.name.partition(":")[0] for fault in FAULTS}
