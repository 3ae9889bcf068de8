"""New records with the children that stand in their body: read as a whole, then stored all or none (contract.md §11.5).

Reading touches nothing and reports every problem with its path; storing begins with the parent. Each child obeys the
rules of its own kind; what the right to insert its parent covers is ``security.writes``' matter.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from api import prototypes, related
from api.errors import ApiError, Diagnosis, named, not_permitted
from api.query.errors import shown
from api.serializers import serializer_for
from entities.registry import CollectionLink, Entity, Field, registry
from entities.rules.circumstances import RuleViolation
from security import writes
from security.errors import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from entities.registry import Record
    from security.plan import Access
    from security.surroundings import Made

CHILDREN, DEPTH = 100, 2


@dataclass(frozen=True)
class Place:
    """Where a new record belongs: the collection ``item`` of ``parent``; ``key`` is None while that is new, too."""

    parent: Entity
    item: CollectionLink
    key: int | None = None

    @property
    def reference(self) -> dict[str, Any]:
        """The attributes by which a member, or the record that links it, names the parent."""
        if self.item.by:
            return {self.item.by: self.key}
        return {"owner_table": self.parent.table_id, "owner_id": self.key}


@dataclass(frozen=True)
class New:
    """A record to be stored: its values, the way it is linked to its parent, its children."""

    entity: Entity
    values: Mapping[str, Any]
    path: str = ""
    place: Place | None = None
    link: Mapping[str, Any] = field(default_factory=dict)
    default: bool = False
    children: Sequence[New] = ()


def read(access: Access, entity: Entity, body: Any, *, strict: bool, preset: Mapping[str, Any]) -> New:
    """Return what ``body`` asks for, children included; raises 400 with every problem, 403 and 413."""
    return _checked(_Reader(access, strict), lambda reader: reader.record(entity, body, preset, "", 0))


def read_member(access: Access, place: Place, body: Any, *, strict: bool) -> New:
    """Return what ``body`` asks for in a collection of a stored record, ``$type`` and ``$isDefault`` included."""
    return _checked(_Reader(access, strict), lambda reader: reader.member(place, body, "", 0))


def _checked(reader: _Reader, work: Any) -> New:
    found: New | None = work(reader)
    if found is None or reader.problems:
        raise ApiError(400, reader.problems)
    return found


def store(access: Access, new: New) -> int:
    """Store a record and its children; return its key. Raises what ``writes.create`` does, for children with paths."""
    maker = _Maker(access)
    record = maker.make(new)
    if maker.problems:
        raise ApiError(400, maker.problems)
    return record.pk


def may_insert(access: Access, item: CollectionLink) -> bool:
    """Whether a child of a new record may be stored; what the parent owns is covered by the parent's own right."""
    target = registry()[item.kind]
    shape = access.shape(target)
    return bool(target.parents) or (shape.offers("insert") and shape.writes(target.by_name[item.by]))


class _Reader:
    """Reads one body; ``problems`` are those of all its records."""

    def __init__(self, access: Access, strict: bool) -> None:
        self.access, self.strict = access, strict
        self.problems: list[Diagnosis] = []

    def record(self, entity: Entity, body: Any, preset: Mapping[str, Any], path: str, depth: int) -> New | None:
        """Read one record and its children; None where its own members hold a problem."""
        children: list[New] = []
        count = 0

        def take(item: CollectionLink, typed: str, value: Any) -> None:
            nonlocal count
            bodies = value if isinstance(value, list) else [value]
            count += len(bodies)
            if count > CHILDREN:
                message = f"A record takes at most {CHILDREN} children."
                raise ApiError.of(413, "TooManyItems", message, _below(path, typed))
            where = [_below(path, f"{typed}[{n}]" if isinstance(value, list) else typed) for n in range(len(bodies))]
            for inner, at in zip(bodies, where, strict=True):
                child = self.member(Place(entity, item), inner, at, depth + 1)
                if child is not None and child.default and any(c.default and c.place == child.place for c in children):
                    self.problem("ConflictingMembers", "Another one is the default already.", _below(at, "$isDefault"))
                children.extend([child] if child is not None else ())

        context = {"access": self.access, "strict": self.strict, "preset": preset, "children": take}
        try:
            serializer = serializer_for(self.access.shape(entity))(None, data=body, context=context)
            serializer.is_valid(raise_exception=True)
        except ApiError as error:
            if error.status != 400:
                raise
            self.problems += [replace(told, path=_below(path, told.path)) for told in error.diagnoses]
            return None
        return New(entity, serializer.validated_data, path, children=children)

    def member(self, place: Place, body: Any, path: str, depth: int) -> New | None:
        """Read a record of a collection: the parent is given, the way of linking may be said."""
        target = registry()[place.item.kind]
        if depth > DEPTH:
            self.problem("BadJson", f"Children are nested at most {DEPTH} deep.", path)
            return None
        if depth and not may_insert(self.access, place.item):
            raise not_permitted()
        if not isinstance(body, dict) or (depth and "$key" in body and all(name.startswith("$") for name in body)):
            wanted = (
                ("WrongType", "A new record is a JSON object.") if depth else ("BadJson", "The body is a JSON object.")
            )
            self.problem(*wanted, path)
            return None
        marks = {name.lower(): value for name, value in body.items() if name.startswith("$")}
        linking = registry()[place.item.via or place.item.kind]
        link = self._type(linking, marks.get("$type"), _below(path, "$type"))
        default = self._default(place, marks.get("$isdefault"), _below(path, "$isDefault"))
        found = self.record(target, body, {} if place.item.via else place.reference | link, path, depth)
        if found is None:
            return None
        found = replace(found, place=place, default=default)
        if place.item.via:
            return replace(found, link=link or self._first_type(linking))
        if place.item.nested and "type" not in found.values and self._sets_type(linking):
            return replace(found, values={**found.values, **self._first_type(linking)})
        return found

    def _sets_type(self, linking: Entity) -> bool:
        """Whether the caller may say the way of linking."""
        field, shape = linking.by_name.get("type"), self.access.shape(linking)
        return field is not None and bool(field.list_name) and shape.writes(field)

    def _type(self, linking: Entity, code: Any, path: str) -> dict[str, Any]:
        """Return the value of the type field that ``$type`` sets; nothing where the caller knows no such field."""
        field = linking.by_name.get("type")
        if code in (None, "") or field is None or not field.list_name or not self.access.shape(linking).reads("type"):
            return {}
        if not self._sets_type(linking):
            self.problem("ReadOnly", "$type cannot be set here.", path)
            return {}
        for choice in prototypes.choices(self.access, field):
            if isinstance(code, str) and choice["$value"].lower() == code.lower():
                return _typed(field, choice["$value"])
        self.problem("NotAChoice", f"$type: '{shown(str(code))}' is not a code of this list.", path)
        return {}

    def _first_type(self, linking: Entity) -> dict[str, Any]:
        choices = prototypes.choices(self.access, linking.by_name["type"])
        return _typed(linking.by_name["type"], choices[0]["$value"]) if choices else {}

    def _default(self, place: Place, mark: Any, path: str) -> bool:
        """Whether ``$isDefault`` makes the record the primary one; not where the caller knows no such field."""
        if mark is not None and not isinstance(mark, bool):
            self.problem("WrongType", "$isDefault expects true or false.", path)
            return False
        primary, shape = related.primary_field(place.parent, place.item.kind), self.access.shape(place.parent)
        if not mark or primary is None or not shape.reads(primary.name):
            return False
        if not shape.writes(primary):
            self.problem("ReadOnly", "$isDefault cannot be set here.", path)
        return True

    def problem(self, code: str, message: str, path: str) -> None:
        """Remember a problem."""
        self.problems.append(Diagnosis(code, message, path))


class _Maker:
    """Stores one tree of new records; ``made`` are those that stand, ``problems`` those of children that cannot."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self.made: Made = frozenset()
        self.problems: list[Diagnosis] = []

    def make(self, new: New) -> Record:
        """Store a record, its link to its parent, its children: the default one first, as the first becomes primary."""
        place, via = new.place, registry()[new.place.item.via] if new.place and new.place.item.via else None
        own = place.reference if place and not via else {}
        record = self._create(new, new.entity, {**new.values, **own}, unfinished=bool(new.children))
        self.made |= {(new.entity.kind, record.pk)}
        if place and via:
            to = next(field for field in via.fields if field.target == new.entity.kind)
            self._create(new, via, {**place.reference, to.name: record.pk, **new.link})
        for child in sorted(new.children, key=lambda child: not child.default):
            assert child.place is not None
            try:
                self.make(replace(child, place=replace(child.place, key=record.pk)))
            except ApiError as error:
                if error.status != 400:
                    raise
                self.problems += error.diagnoses
        if new.children and not self.problems:
            self._named(new, new.entity, lambda: writes.finish(self.access, record, self.made))
        return record

    def _create(self, new: New, entity: Entity, values: Mapping[str, Any], *, unfinished: bool = False) -> Record:
        def work() -> Record:
            return writes.create(self.access, entity, values, self.made, unfinished=unfinished)

        found: Record = self._named(new, entity, work)
        return found

    def _named(self, new: New, entity: Entity, work: Any) -> Any:
        """Do ``work``; name what is wrong by the path of the record."""
        try:
            return work()
        except (RuleViolation, Invalid) as error:
            raise named(error, self.access, entity, new.path) from error


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _typed(field: Field, code: str) -> dict[str, Any]:
    return {"type": [code] if field.type == "msel" else code}
