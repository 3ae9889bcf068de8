"""Conditions and orderings by the grammar, over what a user reads, and over what it must not find."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from api.query.functions import FUNCTIONS
from api.query.values import Kind
from crm.proof.changing import TEXTS
from entities.registry import Entity, registry
from security import gate

if TYPE_CHECKING:
    from random import Random

    from crm.proof.hidden import Sight
    from entities.registry import Field

_ORDERS = ("eq", "ne", "lt", "le", "gt", "ge")
_SAMPLES = 4  # rows whose values are looked for, visible and invisible ones
_DAMAGE = ("", "'", "(", " and", "comp_name like 5", "1", "not", "@2026-13-01@", "zz_nosuch eq 1", "null eq null")


class Conditions:
    """Makes conditions for one user."""

    def __init__(self, sight: Sight, dice: Random) -> None:
        self.sight, self.dice = sight, dice
        self._values: dict[str, dict[str, list[Any]]] = {}

    def field(self, entity: Entity) -> Field:
        """Return a readable field; any one where none is."""
        return self.dice.choice(self.sight.access.shape(entity).readable or entity.fields)

    def name(self, entity: Entity) -> str:
        """Return a name: readable, hidden, of the protocol, behind a reference, or of nothing."""
        roll, hidden = self.dice.random(), self.sight.hidden_names(entity)
        if roll < 0.1 and hidden:
            return self.dice.choice(hidden)
        if roll < 0.2 and entity.relations:
            through = self.dice.choice(list(entity.relations.values()))
            return f"{through.relation}.{self.field(registry()[through.target]).wire}"
        if roll < 0.27:
            return self.dice.choice(("$key", "$updated", "$title", "zz_nosuch", "Company.Nosuch", "*"))
        return self.field(entity).wire

    def values(self, entity: Entity, field: Field) -> list[Any]:
        """Return values that records of the kind have in this field, whether the user may know them or not."""
        known = self._values.setdefault(entity.kind, {})
        if field.name not in known:
            keys = (*self.sight.visible[entity.kind][:_SAMPLES], *self.sight.invisible[entity.kind][:_SAMPLES])
            rows = gate.system_rows(entity.model).filter(pk__in=keys).order_by("pk")
            known[field.name] = list(rows.values_list(field.column, flat=True)) if field.stored else []
        return known[field.name]

    def literal(self, entity: Entity, field: Field) -> str:
        """Return a literal that such a field may hold, in this world or in the other."""
        found = [value for value in self.values(entity, field) if value is not None]
        value: Any = self.dice.choice(found) if found and self.dice.random() < 0.7 else None
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, datetime):
            return f"@{value:%Y-%m-%d}@"
        if isinstance(value, int | Decimal):
            return str(value)
        if isinstance(value, str) and len(value) < 60:
            return "'" + value.replace("'", "''") + "'"
        return self.dice.choice(("null", "1", "7", "'a'", "@2026-01-01@", "true", *(f"'{text}'" for text in TEXTS)))

    def test(self, entity: Entity) -> str:
        """Return one comparison."""
        field, order = self.field(entity), self.dice.choice(_ORDERS)
        name = field.wire if self.dice.random() < 0.7 else self.name(entity)
        one, other = self.literal(entity, field), self.literal(entity, field)
        text = one.strip("'")[:3].replace("%", "").replace("'", "")
        return self.dice.choice(
            (
                f"{name} {order} {one}",
                f"{name} {order} {one}",
                f"{name} in ({one}, {other}, null)",
                f"{name} between {one} and {other}",
                f"{name} like '%{text}%'",
                f"{name} eq null",
                f"not {name} ne null",
                f"{self.call(entity)} {order} {one}",
            )
        )

    def call(self, entity: Entity) -> str:
        """Return a call of a function with arguments of the kinds that it takes."""
        name = self.dice.choice(sorted(FUNCTIONS))
        arguments = []
        for kind in FUNCTIONS[name].takes:
            wanted = [f for f in self.sight.access.shape(entity).readable if _kind(f) == kind]
            plain = {Kind.NUMBER: "2", Kind.TEXT: "'a'", Kind.MOMENT: "@2026-01-01@"}.get(kind, "1")
            arguments.append(self.dice.choice(wanted).wire if wanted and self.dice.random() < 0.7 else plain)
        return f"{name}({', '.join(arguments)})"

    def condition(self, entity: Entity) -> str:
        """Return a condition, now and then one with something wrong."""
        roll = self.dice.random()
        if roll < 0.06:
            return self.dice.choice(_DAMAGE)
        if roll < 0.6:
            return self.test(entity)
        return self.dice.choice(("{} and {}", "{} or {}", "not ({} or {})")).format(
            self.test(entity), self.test(entity)
        )

    def order(self, entity: Entity) -> str:
        """Return an ordering."""
        names = {self.name(entity) for _ in range(self.dice.choice((1, 1, 2)))}
        return ",".join(sorted(f"{name}{self.dice.choice(('', ' desc'))}" for name in names))


def _kind(field: Field) -> Kind:
    if field.type == "dt":
        return Kind.MOMENT
    return Kind.TEXT if field.is_text else Kind.NUMBER
