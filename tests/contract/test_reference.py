"""Conditions over the wire against the reference implementation of tests/query (contract.md §9).

The columns of the probe there are fields of opportunities here, spread with the same awkward values.
"""

from __future__ import annotations

import json
import os
import random
import re
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings

from api.query.parse import parse_where
from entities.models import Opportunity
from entities.registry import registry
from security.gate import system_rows
from tests.api.wire import Wire, login
from tests.query import probe
from tests.query.conditions import FORMS, fill, sentences
from tests.query.reference import holds
from tests.query.reference_values import World

if TYPE_CHECKING:
    from tests.api.wire import Answer

DEEP = os.environ.get("PARAPET_DEEP", "") == "1"
FIELDS = {
    "number": "Oppo_Certainty",
    "amount": "Oppo_Forecast",
    "text": "Oppo_CustomerRef",
    "memo": "Oppo_Note",
    "flag": "Oppo_SCRMIsCrossSell",
    "moment": "Oppo_Closed",
    "codes": "Oppo_SCRMCompetitor",
    "other": "Oppo_SCRMOriginalOppoId",
}
COLUMNS = {"number": "certainty", "amount": "forecast", "text": "customer_ref", "memo": "note", "moment": "closed"}
COLUMNS |= {"flag": "scrm_is_cross_sell", "codes": "scrm_competitor", "other": "scrm_original_oppo"}
TYPES = {"bool": "boolean", "dt": "moment", "msel": "codes", "text": "text", "memo": "text", "sel": "text"}
# Texts between quotes and dates stay as they are.
_NAMES = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|@[^@]*@)|\b(other|gone)\.(\w+)|\b(\w+)\b(?!\s*\()""", re.I)


def on_the_wire(condition: str) -> str:
    """Return a condition over the probe as one over opportunities."""

    def said(match: re.Match[str]) -> str:
        quoted, through, behind, name = match.groups()
        if quoted is not None:
            return str(quoted)
        if behind is not None:
            path = "OriginalOpportunity." * (2 if through.lower() == "gone" else 1)
            return path + FIELDS[behind.lower()]
        return FIELDS.get(name.lower(), name)

    return _NAMES.sub(said, condition)


def spread() -> None:
    """Give opportunities every value of the probe."""
    found = list(system_rows(Opportunity).order_by("pk").values_list("pk", flat=True))
    for number, key in enumerate(found):
        row = probe.rows()[number % 50]
        values = {column: row.get(name) for name, column in COLUMNS.items() if name != "other"}
        values |= {"customer_ref": row["text"][:30], "note": row["memo"] or "", "scrm_competitor": row["codes"] or []}
        values["scrm_original_oppo"] = None if number % 3 == 0 else found[(number * 7 + 1) % len(found)]
        system_rows(Opportunity).filter(pk=key).update(**values)


def entries(answer: Answer) -> dict[int, dict[str, Any]]:
    return {entry["$key"]: entry for entry in json.loads(answer.body, parse_float=Decimal)["$resources"]}


def worlds(rows: dict[int, dict[str, Any]]) -> dict[int, World]:
    """Return what the reference reads: fields of an entry, and of entries behind references."""
    by_wire = registry()["Opportunity"].by_wire

    def field(entry: dict[str, Any], names: tuple[str, ...]) -> tuple[str, Any]:
        found: dict[str, Any] = entry
        *path, name = names
        for _ in path:
            found = rows.get(found.get("Oppo_SCRMOriginalOppoId") or 0, {})
        declared = by_wire["oppo_opportunityid" if name.lower() == "$key" else name.lower()]
        value = found.get(declared.wire)
        kind = TYPES.get(declared.type, "number")
        if kind == "moment" and value is not None:
            value = datetime.fromisoformat(value)
        return kind, tuple(value or ()) if kind == "codes" else bool(value) if kind == "boolean" and path else value

    now = timezone.now().replace(microsecond=0)  # as the server's clock shows it
    return {key: World(partial(field, entry), now, "UTC") for key, entry in rows.items()}


def check(wire: Wire, condition: str) -> bool:
    """Compare what a condition finds with what the reference says, its negation with the rest; False = refused."""
    answer = wire.get("opportunity", where=condition, select="$key", count=1000)
    if answer.status == 400:
        assert answer.code in ("TypeMismatch", "LimitExceeded"), condition
        return False
    rows = entries(wire.get("opportunity", count=1000, select="*"))
    tree = parse_where(condition)
    expected = {key for key, seen in worlds(rows).items() if holds(tree, seen)}
    assert set(answer.keys) == expected, condition
    return True


WRAPPED = {
    "number": ["{} <compares> <number name>", "<number name> in (0, null) or {} ge <numeral>"],
    "text": ["{} <compares> <text name>", "{} like <pattern>"],
    "moment": ["{} <compares> <moment name>", "<date> between <date> and {}"],
    "test": ["{}", "not ({})"],
}


@pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind in WRAPPED for form in FORMS[kind]])
def test_48_every_operator_function_and_literal_means_what_the_reference_says(
    admin: Wire, kind: str, form: str
) -> None:
    spread()
    dice = random.Random(form)
    served = 0
    for whole in WRAPPED[kind] * (20 if DEEP else 1):
        served += check(admin, on_the_wire(fill(whole.replace("{}", form), 0, dice.choice)))
    assert served or "codes" in form or "currentTime" in form


@pytest.mark.parametrize("logon", ["admin", "susan"])
def test_49_a_random_condition_and_its_negation_divide_the_visible_records(logon: str) -> None:
    spread()
    wire = login(logon)
    total = wire.entry("opportunity", count=0)["$totalResults"]

    def found(condition: str) -> int | None:
        answer = wire.get("opportunity", where=condition, count=0)
        if answer.status == 400:
            assert answer.code in ("TypeMismatch", "LimitExceeded"), condition
            return None
        return int(answer.json["$totalResults"])

    @settings(
        max_examples=2_000 if DEEP else 40,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(sentences("condition", 4))
    @example("not (text like 'a%' and other.memo ne null)")
    def divided(sentence: str) -> None:
        condition = on_the_wire(sentence)
        those, others = found(condition), found(f"not ({condition})")
        assert those is None or others is None or those + others == total, condition

    divided()


@pytest.mark.parametrize("kind", [entity.kind for entity in registry()])
def test_51_empty_is_asked_for_alike_of_every_type(admin: Wire, kind: str) -> None:
    total, tried = admin.entry(kind, count=0)["$totalResults"], set()
    for field in registry()[kind].fields:
        if field.type in tried:
            continue
        tried.add(field.type)
        counts = [
            admin.entry(kind, where=f"{field.wire} {test}", count=0)["$totalResults"]
            for test in ("eq null", "eq ''", "ne null", "ne ''")
        ]
        assert counts == [counts[0], counts[0], total - counts[0], total - counts[0]], field.wire
        if field.type == "bool":
            yes = [
                admin.entry(kind, where=f"{field.wire} {test}", count=0)["$totalResults"]
                for test in ("eq true", "eq 'Y'", "ne false", "ne 'N'")
            ]
            assert len(set(yes)) == 1
