"""A throw-away table with one column of every type, and names that resolve to it.

``other.x`` goes through a reference whose targets are visible or not, ``gone.x`` through one with
no visible target at all: as the access layer does it, by a sub-query over the visible rows.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery

from api.query.errors import QueryError
from api.query.expressions import where_expression
from api.query.parse import parse_where
from api.query.values import Clock, Operand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models.expressions import Combinable

    from entities.registry import FieldType

CLOCK = Clock(datetime(2026, 3, 14, 23, 30, tzinfo=UTC), "Asia/Kolkata")


class Probe(models.Model):
    """One column of every kind of value."""

    number = models.IntegerField(null=True)
    amount = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    text = models.CharField(max_length=60, default="")
    memo = models.TextField(null=True)  # noqa: DJ001 - both forms of an empty text must be met
    flag = models.BooleanField(default=False)
    moment = models.DateTimeField(null=True)
    codes = ArrayField(models.CharField(max_length=40), default=list, null=True)
    other = models.ForeignKey("self", models.DO_NOTHING, null=True, related_name="+")
    hidden = models.BooleanField(default=False)

    class Meta:
        managed = False
        app_label = "query_probe"

    def __str__(self) -> str:
        return f"Probe {self.pk}"


TYPES: dict[str, FieldType] = {
    "id": "key",
    "number": "int",
    "amount": "money",
    "text": "text",
    "memo": "memo",
    "flag": "bool",
    "moment": "dt",
    "codes": "msel",
    "other": "ref",
}
COLUMNS = {name: "other_id" if name == "other" else name for name in TYPES}


def resolve(names: tuple[str, ...], position: int) -> Operand:
    """Names of the probe, and dotted ones through ``other`` and ``gone``."""
    *path, name = (part.lower() for part in names)
    name = "id" if name == "$key" else name
    if name not in TYPES or path not in ([], ["other"], ["gone"]):
        message = f"'{'.'.join(names)}' is not a field of Probe."
        raise QueryError("UnknownName", message, "where", position)
    expression: Combinable = F(COLUMNS[name])
    if path or name == "other":
        visible = probes().filter(hidden=False, pk=OuterRef("other_id"))
        visible = visible.none() if path == ["gone"] else visible
        expression = Subquery(visible.values(COLUMNS[name] if path else "id"))
    nullable = bool(path) or name not in ("id", "text", "flag")
    return Operand(expression, TYPES[name], nullable)


def probes() -> QuerySet[Probe]:
    """All rows."""
    return QuerySet(Probe)


def matching(where: str, clock: Clock = CLOCK) -> set[int]:
    """The keys that a condition selects."""
    condition = where_expression(parse_where(where), resolve, clock=clock)
    with transaction.atomic():  # so that after a failing statement the next condition can be tried
        return set(probes().filter(condition).values_list("pk", flat=True))


@contextmanager
def table() -> Iterator[None]:
    """The table and its rows, for as long as the context lasts."""
    with connection.schema_editor() as editor:
        editor.create_model(Probe)
    try:
        probes().bulk_create(Probe(**row) for row in rows())
        yield
    finally:
        with connection.schema_editor() as editor:
            editor.delete_model(Probe)


def _day(year: int, month: int, day: int, *clock: int) -> datetime:
    hour, minute, second = (*clock, 0, 0, 0)[:3]
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


TEXTS = ["", "a", "A", "Aa", "b", "É", "é b", "%", "_", "a_b", "a%b", "\\", "it's", " a ", "  ", "5"]
TEXTS += ["5.0", "-3", "12.5", "Customer", "CUSTOMER ", "😀", "z" * 60, '"', "10"]
NUMBERS = [None, 0, 1, -1, 2, 3, 5, 10, 12, 2**31 - 1, -(2**31)]
AMOUNTS = [None, "0", "0.5", "-0.5", "5", "12.5", "2.000001", "999999999999999999.999999", "-3"]
MOMENTS = [
    None,
    _day(2026, 3, 14),
    _day(2026, 3, 14, 18, 30),
    _day(2026, 3, 13, 18, 30, 1),
    _day(2024, 2, 29, 23, 59, 59),
    _day(1, 1, 2),
    _day(9000, 1, 1),
]
CODES: list[list[str] | None] = [None, [], ["A"], ["Web", "a"], ["5"]]


def rows() -> list[dict[str, Any]]:
    """Every listed value of every column at least once, in changing company."""
    return [
        {
            "id": key,
            "number": NUMBERS[key % len(NUMBERS)],
            "amount": None if (a := AMOUNTS[key % len(AMOUNTS)]) is None else Decimal(a),
            "text": TEXTS[key % len(TEXTS)],
            "memo": None if key % 7 == 0 else TEXTS[key * 3 % len(TEXTS)],
            "flag": key % 3 == 0,
            "moment": MOMENTS[key % len(MOMENTS)],
            "codes": CODES[key % len(CODES)],
            "other_id": None if key % 4 == 0 else 1 + key * 7 % 50,
            "hidden": key % 5 == 2,
        }
        for key in range(1, 51)
    ]
