"""A hidden field answers like one that never existed, in every channel (contract.md §10, security.md §6)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from entities.registry import registry
from tests.api.twins import Told, editable, hidden_names, kinds, never_existed, told
from tests.api.wire import Wire, at, login

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.api.wire import Answer

RESTRICTED = ("susan", "william", "peter", "olivia")

CONDITIONS = [
    "{} eq 'x'",
    "{} ne 'x'",
    "{} eq null",
    "{} = ''",
    "not {} gt 5",
    "{} between 1 and 2",
    "{} in ('a', 2, null)",
    "{} like 'a%'",
    "{}",
    "not {}",
    "1=1 or {} = 1",
    "1=2 and {} = 1",
    "concat({}, 'x') eq 'x'",
    "length(upper({})) gt 0",
    "{} + 1 gt 2",
    "- {} lt 1",
    "1 in (2) or ({} eq @2026-01-01@)",
    "{} eq {}",
    "{} lt true",
]


def reads(wire: Wire, kind: str, name: str) -> Iterator[Callable[[], Answer]]:
    """Yield a read for every channel in which ``name`` can be said."""
    entry = at(kind, wire.keys(kind, count=1)[0])
    for condition in CONDITIONS:
        text = condition.replace("{}", name)
        yield partial(wire.get, kind, where=text)
        yield partial(wire.get, f"{kind}({text})")
    for spelling in (name.lower(), name.upper()):
        yield partial(wire.get, kind, where=f"{spelling} eq 'x'")
    for parameter in ("orderBy", "select", "include"):
        yield partial(wire.get, kind, **{parameter: name})
        yield partial(wire.get, entry, **{parameter: name})
    yield partial(wire.get, kind, orderBy=f"{name} desc")
    yield partial(wire.get, kind, select=f"*,{name}")
    yield partial(wire.get, kind, select=f"{name}.x")
    yield partial(wire.get, kind, include=f"{name}.{name}")
    yield partial(wire.get, kind, **{name: "x"})
    yield partial(wire.get, f"{entry}/{name}")
    yield partial(wire.get, f"{entry}/{name}('1')")
    yield partial(wire.post, f"{entry}/{name}", {})
    for other in (entity for entity in registry() if entity.kind[:-1] != name[:-1]):
        for relation in [field for field in other.relations.values() if field.target == kind][:1]:
            through = f"{relation.relation}.{name}"
            for parameter in ("where", "orderBy", "select", "include"):
                yield partial(wire.get, other.kind, count=0, **{parameter: through})


def bodies(name: str) -> Iterator[dict[str, Any]]:
    values: tuple[Any, ...] = (None, "x", 1, True, [], {}, {"$key": 1}, [{"$key": 1}], {"$resources": []})
    yield from ({name: value} for value in values)
    yield {"zzz": 1, name: "x"}
    yield {name.upper(): 1, "zzz": 1}


def hidden() -> Iterator[tuple[str, str]]:
    """Yield (logon, kind): who misses something of which kind; the names are looked up in the test."""
    for logon in RESTRICTED:
        for entity in registry():
            yield logon, entity.kind


def chosen(logon: str, kind: str) -> list[str]:
    """Return the hidden names to try; of the directory's many, another one for each caller."""
    found = hidden_names(logon, kind) if kind in kinds(logon) else []
    return found if kind != "Users" else found[RESTRICTED.index(logon) :: 12]


def test_the_demo_users_miss_what_the_demo_world_hides_from_them() -> None:
    assert hidden_names("olivia", "Company") == ["Comp_Employees", "Comp_Revenue"]
    assert {"Oppo_Forecast", "Oppo_Forecast_CID", "Oppo_Certainty"} == set(hidden_names("olivia", "Opportunity"))
    assert {"Comp_Revenue", "OpportunityCollection", "QuotesCollection"} == set(hidden_names("peter", "Company"))
    assert "User_HomePhone" in hidden_names("susan", "Users")


@pytest.mark.parametrize(("logon", "kind"), list(hidden()))
def test_55_a_hidden_name_reads_like_one_that_never_existed(logon: str, kind: str) -> None:
    wire = login(logon)
    for name in chosen(logon, kind):
        other = never_existed(name, kind)
        pairs = zip(reads(wire, kind, name), reads(wire, kind, other), strict=True)
        for number, (secret, nothing) in enumerate(pairs):
            spellings = (name, name.lower(), name.upper()), (other, other.lower(), other.upper())
            assert told(secret, *spellings[0]) == told(nothing, *spellings[1]), (name, number)


@pytest.mark.parametrize(("logon", "kind"), list(hidden()))
def test_55_63_a_hidden_name_is_written_like_one_that_never_existed(logon: str, kind: str) -> None:
    wire = login(logon)
    entry = editable(wire, kind) if chosen(logon, kind) else None
    for name in chosen(logon, kind):
        other = never_existed(name, kind)
        for secret, nothing in zip(bodies(name), bodies(other), strict=True):
            typed = (name, name.upper()), (other, other.upper())
            create = told(partial(wire.post, kind, secret), *typed[0])
            assert create == told(partial(wire.post, kind, nothing), *typed[1]), secret
            assert create.status in (400, 403, 405)
            if entry is not None:
                path = at(kind, entry["$key"])
                change = told(partial(wire.patch, path, secret), *typed[0])
                assert change == told(partial(wire.patch, path, nothing), *typed[1]), secret
                assert change.status == 400


FORMS = [
    *("{}", "{}('1')", "{}(x eq 1)", "$prototypes/{}", "{}('1')/Person", "{}('1')/Person('1')", "{}()", "{}?x=1"),
    *("Company('2')/{}", "Company('2')/{}('1')", "Company?include={}", "Company?where={}.x eq 1", "{}('1')/x/y"),
    *("Company?select={}", "Company?orderBy={}.x", "Company('2')?include={}.x", "{}/x", "{}('1')/x", "{}()/Person"),
]


@pytest.mark.parametrize(("logon", "count"), [("peter", 3), ("nora", len(list(registry()))), ("olivia", 0)])
def test_a_kind_that_is_not_the_callers_is_no_address(logon: str, count: int) -> None:
    wire = login(logon)
    wire.get("$whoami")  # compiles the plan, which costs statements of its own
    secret = [entity for entity in registry() if entity.kind not in kinds(logon)]
    assert len(secret) == count

    def answer(method: str, path: str, name: str) -> Told:
        return told(lambda: wire.send(method, path.format(name), b"{}"), name)

    for name in (entity.aliases[-1] if entity.aliases else entity.kind for entity in secret[::3]):
        for form in (form for form in FORMS if not form.startswith(name)):
            for method in ("GET", "POST", "PATCH", "DELETE", "OPTIONS") if form in FORMS[:6] else ("GET", "PUT"):
                assert answer(method, form, name) == answer(method, form, f"Zq{name}"), (method, form, name)


def test_the_administrator_knows_every_name(admin: Wire) -> None:
    """The tests above can fail: where nothing is hidden the answers do differ."""
    answers = [told(send, "Comp_Revenue").status for send in reads(admin, "Company", "Comp_Revenue")]
    assert answers.count(200) >= 30
