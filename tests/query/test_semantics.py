"""What conditions mean: the compiled SQL against a reference in plain Python, on PostgreSQL."""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from api.query.errors import QueryError
from api.query.parse import parse_where
from tests.query import probe
from tests.query.conditions import FORMS, LEAVES, damaged, fill, sentences
from tests.query.probe import CLOCK, TYPES, matching
from tests.query.reference import holds
from tests.query.reference_values import World

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEP = bool(os.environ.get("PARAPET_DEEP"))
FAST = settings(
    max_examples=20_000 if DEEP else 200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
KINDS = {"bool": "boolean", "dt": "moment", "msel": "codes", "text": "text", "memo": "text"}
ROWS = {row["id"]: row for row in probe.rows()}
ALL = set(ROWS)


@pytest.fixture(scope="module", autouse=True)
def rows(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    with django_db_blocker.unblock(), probe.table():
        yield


pytestmark = pytest.mark.django_db


def world(row: dict[str, Any]) -> World:
    """The row as the caller sees it: what an invisible record holds is empty."""

    def field(names: tuple[str, ...]) -> tuple[str, Any]:
        *path, name = (part.lower() for part in names)
        name = "id" if name == "$key" else name
        target: dict[str, Any] = row
        if path or name == "other":
            seen = ROWS.get(row["other_id"] or 0)
            target = seen if seen and not seen["hidden"] and path != ["gone"] else {}
            name = name if path else "id"
        content = target.get("other_id" if name == "other" else name)
        content = tuple(content or ()) if name == "codes" else content
        return KINDS.get(TYPES[name], "number"), content

    return World(field, CLOCK.now, CLOCK.zone)


WORLDS = {key: world(row) for key, row in ROWS.items()}


def expected(where: str) -> set[int]:
    tree = parse_where(where)
    return {key for key, seen in WORLDS.items() if holds(tree, seen)}


@FAST
@given(sentences("condition", 5))
@example("number div 3 eq 1 or amount mul amount gt 1")
@example("right(concat(text, ceil(amount)), 2) lt number")
@example("not (text like 'a%' and other.memo ne null)")
def test_a_condition_selects_what_the_reference_says(where: str) -> None:
    try:
        found = matching(where)
    except QueryError as error:
        assert error.application_code in ("TypeMismatch", "LimitExceeded"), where
        return
    assert found == expected(where), where
    assert matching(f"not ({where})") == ALL - found, where


# Each form as a whole condition, so that each is tried however the dice fall.
WHOLE = {
    "number": ["{} <compares> <number name>", "{} eq {}", "<number name> in (0, null) or {} ge <numeral>"],
    "text": ["{} <compares> <text name>", "{} ne {}", "{} like <pattern>", "<word> between {} and <text name>"],
    "moment": ["{} <compares> <moment name>", "{} eq {}", "<date> between <date> and {}"],
    "test": ["{}", "not ({})", "({}) eq <flag>"],
}


@pytest.mark.parametrize(
    ("form", "whole"),
    [(form, whole) for kind, wholes in WHOLE.items() for form in FORMS[kind] for whole in wholes],
)
def test_each_form_selects_what_the_reference_says(form: str, whole: str) -> None:
    dice = random.Random(form + whole)
    for room in [0, 0, 1] * (100 if DEEP else 1):
        where = fill(whole.replace("{}", form), room, dice.choice)
        try:
            found = matching(where)
        except QueryError as error:
            assert error.application_code == "TypeMismatch", where
        else:
            assert found == expected(where), where


def test_the_forms_name_every_leaf() -> None:
    text = " ".join(form for forms in [*FORMS.values(), *LEAVES.values()] for form in forms)
    assert all(f"<{leaf}>" in text for leaf in LEAVES if leaf != "condition")


@FAST
@given(st.one_of(damaged(4), sentences("call", 4)))
def test_no_condition_reaches_the_database_and_fails_there(where: str) -> None:
    try:
        found = matching(where)
        rest = matching(f"not ({where})")
    except QueryError as error:
        error.message.encode()
        assert error.sdata_code == "BadWhereSyntax"
        return
    assert found | rest == ALL
    assert not found & rest
