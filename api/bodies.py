"""Reading one body against what the caller sees: hidden names are unknown names, unchanged values are never an error,
all problems are reported together (contract.md §11.2–11.4).

It asks one thing of the database, which records the caller can see of those that the body refers to; ``result`` is told
that, so that the bodies of a batch may ask together. It stores nothing.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from api import entries, prototypes
from api.errors import ApiError, Diagnosis
from api.query.errors import shown
from api.values import WrongValue, from_json
from entities.captions import spellings
from entities.kinds import fold
from entities.registry import CollectionLink, Field, registry
from entities.rules import computed_by_state, state_computes
from entities.workflow import EMPTY
from security import gate
from security.access import once_per_access

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from entities.registry import Record
    from security.plan import Access
    from security.shapes import Shape

    Take = Callable[[CollectionLink, str, Any], None]


@dataclass(frozen=True)
class Terms:
    """How a body is read: for whom, and whether strictly (``Prefer: handling=strict``).

    ``preset`` = values given by the address. ``children`` = who takes members that are new children, called with the
    collection, the name and the value. ``action`` = the body is that of an action: what it needs it may find in the
    record, and what is sent counts as sent even where it changes nothing.
    """

    access: Access
    strict: bool = False
    preset: Mapping[str, Any] | None = None
    children: Take | None = None
    action: bool = False


def stored_form(field: Field, data: Any, *, strict: bool) -> Any:
    """Return the stored form of a JSON value; raises ``WrongValue``."""
    value = from_json(field, data, strict=strict)
    if value is None and field.is_text:
        return ""
    return [] if value is None and field.type == "msel" else value


class Reading:
    """The reading of one body: of a new record, or of a change of ``record``.

    ``take`` the body, ask which of the records ``wanted`` the caller can see, then ``result``.
    """

    def __init__(self, shape: Shape, terms: Terms, record: Record | None = None) -> None:
        self.shape, self.entity = shape, shape.entity
        self.access, self.strict, self.action = terms.access, terms.strict, terms.action
        self.preset, self.children = terms.preset or {}, terms.children
        self.record = record
        self.problems: list[Diagnosis] = []
        self.values: dict[str, Any] = {}
        self.kept: dict[str, Any] = {}
        self.typed: dict[str, str] = {}
        self.given: list[CollectionLink] = []

    def take(self, data: Any) -> None:
        """Read a body; raises ``ApiError`` for what is no object."""
        if not isinstance(data, dict):
            raise ApiError.of(400, "BadJson", "The body is a JSON object.")
        for typed, value in data.items():
            self.member(typed, value)
        for field in self.shape.demanded:
            if field.name not in self.preset:
                self._require(field)
        if state_computes(self.entity.model):
            self._check_computed()

    @property
    def wanted(self) -> dict[str, set[int]]:
        """The keys per kind that the body refers to."""
        found: dict[str, set[int]] = {}
        for field in self._references:
            found.setdefault(field.target, set()).add(self.values[field.name])
        return found

    def result(self, visible: Collection[tuple[str, int]]) -> dict[str, Any]:
        """Return ``{attribute: new value}`` of the members that change something; raises 400 with every problem.

        ``visible`` = those of the records ``wanted`` that the caller can see, as ``(kind, key)``.
        """
        for field in self._references:
            key = self.values[field.name]
            if (field.target, key) not in visible:
                typed = self.typed[field.name]
                self.problem("BadReference", f"{typed}: {key} is not a record that can be used here.", typed)
        if self.problems:
            raise ApiError(400, self.problems)
        return {**self.kept, **self.values, **self.preset}

    @cached_property
    def _references(self) -> list[Field]:
        by_name = self.entity.by_name
        return [by_name[name] for name, value in self.values.items() if value is not None and by_name[name].target]

    def seen(self, field: Field) -> Any:
        """Return the stored value as the caller sees it: a reference to an invisible record is empty."""
        value = getattr(self.record, field.column) if field.stored and self.record is not None else None
        return None if field.target and value is not None and (field.target, value) not in self._visible else value

    @cached_property
    def _visible(self) -> Collection[tuple[str, int]]:
        """Those of the records that the stored record refers to which the caller can see."""
        wanted: dict[str, set[int]] = {}
        for field in self.shape.readable:
            if field.target and field.stored and (key := getattr(self.record, field.column)) is not None:
                wanted.setdefault(field.target, set()).add(key)
        return gate.titles(self.access, wanted)

    def problem(self, code: str, message: str, path: str) -> None:
        self.problems.append(Diagnosis(code, message, shown(path)))

    def member(self, typed: str, value: Any) -> None:
        """Read one member of the body."""
        if typed.startswith("$"):
            return
        field = self.shape.field(typed)
        if field is None:
            self._relation(typed, value)
        elif field.type != "key":
            try:
                self._offer(field, typed, stored_form(field, value, strict=self.strict))
            except WrongValue as problem:
                if not self._ignored(field):
                    self.problem(problem.code, f"{typed} {problem.message}", typed)

    def _ignored(self, field: Field) -> bool:
        return field.system and not self.strict

    def _relation(self, typed: str, value: Any) -> None:
        hop = gate.relation(self.access, self.entity, typed)
        if self._child(typed, value, as_reference=hop is not None):
            return
        if hop is not None:
            if value is None:
                self._offer(hop[0], typed, None)
            elif (key := self._named(typed, value)) is not None:
                self._offer(hop[0], typed, key)
        elif not (self._owner(typed, value) or self._passes_by(typed, value)):
            self.problem("UnknownMember", f"'{shown(typed)}' is not a field of {self.entity.kind}.", typed)

    def _named(self, typed: str, value: Any) -> int | None:
        """Return the key that a link object names."""
        if isinstance(value, dict) and type(value.get("$key")) is int:
            return int(value["$key"])
        self.problem("WrongType", f"{typed} expects an object with $key, or null.", typed)
        return None

    def _owner(self, typed: str, value: Any) -> bool:
        """Whether a member is the link object of a generic owner: another spelling of the two fields that name it."""
        kinds = [] if self.action else entries.owner_kinds(self.access, self.entity)
        owner = next((registry()[kind] for kind in kinds if kind.lower() == fold(typed)), None)
        if owner is None:
            return False
        table, key = self.entity.by_name["owner_table"], self.entity.by_name["owner_id"]
        if value is None:
            if self.seen(table) == owner.table_id:
                self._refuse(table, typed, owner.table_id)
            return True
        named = self._named(typed, value)
        if named is not None:
            told = len(self.problems)
            self._offer(table, typed, owner.table_id)
            if len(self.problems) == told:
                self._offer(key, typed, named)
        return True

    def _child(self, typed: str, value: Any, *, as_reference: bool) -> bool:
        """Whether a member is one of new children; the body of an update cannot hold any (contract.md §11.5)."""
        if self.action:
            return False
        protocol = isinstance(value, dict) and all(name.startswith("$") for name in value)
        if as_reference and (self.record is not None or protocol or not isinstance(value, list | dict)):
            return False
        if protocol and "$resources" in value:
            return False
        kind = registry().find(typed)
        for item in prototypes.nestable(self.access, self.entity) if self.children or self.record is not None else ():
            if fold(typed) == item.name.lower() or (kind is not None and kind.kind == item.kind):
                self._take(item, typed, value)
                return True
        return False

    def _take(self, item: CollectionLink, typed: str, value: Any) -> None:
        if item in self.given:
            self.problem("DuplicateMember", f"'{shown(typed)}' is given more than once.", typed)
        elif value not in (None, []):
            if self.children is None:
                self.problem("ReadOnly", f"{typed}: children are changed at their own address.", typed)
            else:
                self.children(item, typed, value)
        self.given.append(item)

    def _passes_by(self, typed: str, value: Any) -> bool:
        """Whether a member that sets nothing may stand in the body: what a GET shows beside the fields."""
        if self.action:
            return False
        names = {item.name.lower() for item in prototypes.collections(self.access, self.entity)}
        return fold(typed) in names and isinstance(value, dict) and "$resources" in value

    def _offer(self, field: Field, typed: str, value: Any) -> None:
        """Take a value that is not what the caller sees already."""
        if self.record is not None and self._unchanged(field, value):
            if self.action:
                self.kept[field.name] = getattr(self.record, field.column)
            return
        if field.name in self.preset:
            if value is not None and value != self.preset[field.name]:
                self.problem("ConflictingMembers", f"{typed} contradicts the address.", typed)
            return
        if not self.shape.writes(field) or (self.record is not None and field.fixed):
            self._refuse(field, typed, value)
            return
        if field.name in self.values and self.values[field.name] != value:
            self.problem("ConflictingMembers", f"{typed} contradicts {self.typed[field.name]}.", typed)
            return
        self.typed[field.name] = typed
        self.values[field.name] = self._listed(field, typed, value)

    def _unchanged(self, field: Field, value: Any) -> bool:
        return _same(field, value, self.seen(field))

    def _refuse(self, field: Field, typed: str, value: Any) -> None:
        """Say that a field is read-only, unless the value is as good as none."""
        empty = value is None or value is False or value in ("", [])
        if self._ignored(field) or (self.record is None and (empty or _same(field, value, field.default))):
            return
        self.problem("ReadOnly", f"{typed} cannot be changed.", typed)

    def _listed(self, field: Field, typed: str, value: Any) -> Any:
        """Return a selection in the list's spelling and order."""
        if not field.list_name or not value:
            return value
        known = _spellings(self.access, field.list_name)
        codes = value if field.type == "msel" else [value]
        spelt = [known.get(code.lower()) for code in codes]
        for code, found in zip(codes, spelt, strict=True):
            if found is None:
                self.problem("NotAChoice", f"{typed}: '{shown(code)}' is not a code of this list.", typed)
        if field.type == "sel":
            return spelt[0]
        return [code for code in known.values() if code in spelt]

    def _require(self, field: Field) -> None:
        held = self.record is not None and not (self.action and self.seen(field) in EMPTY)
        missing = not held and field.name not in self.values
        emptied = field.name in self.values and self.values[field.name] in (None, "", [])
        if (missing and not field.has_default) or (emptied and not (self.record is None and field.has_default)):
            if not any(problem.path.lower() == field.wire.lower() for problem in self.problems):
                self.problem("Required", f"{field.wire} is required.", self.typed.get(field.name, field.wire))
        elif emptied:
            del self.values[field.name]

    def _check_computed(self) -> None:
        """A field that the record's state makes computed is read-only in that state (entities.md §6.2)."""
        state: Any = copy(self.record) if self.record is not None else self.entity.model()
        for name, value in self.values.items():
            setattr(state, self.entity.by_name[name].column, value)
        for name in computed_by_state(state) & set(self.values):
            value, typed = self.values.pop(name), self.typed[name]
            if self.record is not None or value:
                self.problem("ReadOnly", f"{typed} is computed here.", typed)


@once_per_access
def _spellings(access: Access, list_name: str) -> Mapping[str, str]:
    return spellings(access.lists.get(list_name, ()))


def _same(field: Field, value: Any, present: Any) -> bool:
    """Whether a value sent is the present one; codes are compared without regard to case and order."""
    if field.type == "sel" and isinstance(present, str):
        return bool(present.lower() == value.lower())
    if field.type == "msel":
        return sorted(code.lower() for code in value) == sorted(code.lower() for code in present or ())
    return bool(present == value)
