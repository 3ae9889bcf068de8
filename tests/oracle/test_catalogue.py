"""The registry against the transcribed catalogue, field by field (entities.md §10.1 to §10.3)."""

from __future__ import annotations

import pytest

from entities.registry import Entity, Field, registry
from tests.oracle.catalogue import Column, Kind, catalogue

KINDS = list(catalogue().values())
# Plural and singular are aliases of every kind (contract.md §1.3), where §2 lists none.
MORE_ALIASES = {"UOMFamily": {"uomfamilies"}, "PricingList": {"pricinglists"}, "Pricing": {"prices"}}
# The catalogue knows the type phone and its format, but calls telephone numbers text where it lists them.
TELEPHONE = {
    "Phon_Number",
    *(f"{prefix}_{name}Number" for prefix in ("Comp", "Pers") for name in ("Phone", "Fax")),
    *(f"User_{name}" for name in ("Phone", "Extension", "Pager", "HomePhone", "MobilePhone", "Fax")),
}
# What is computed on reading follows what is stored.
COMPUTED_LAST = {"Users": "User_SecurityProfile"}


@pytest.fixture(params=KINDS, ids=[kind.name for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def test_exactly_the_kinds_of_the_catalogue_exist() -> None:
    assert {entity.kind: entity.table_id for entity in registry()} == {kind.name: kind.number for kind in KINDS}


def test_a_kind_is_declared_as_in_the_index(kind: Kind) -> None:
    entity = registry()[kind.name]
    assert (entity.prefix, entity.delete) == (kind.prefix, kind.delete)
    assert (entity.reference_kind, entity.read_only) == (kind.reference, kind.read_only)
    assert tuple(entity.by_name[name].wire for name in entity.title) == kind.title
    assert entity.title_joiner == kind.joiner
    assert set(entity.aliases) == {*kind.aliases, *MORE_ALIASES.get(kind.name, ())}
    assert _security(entity) == kind.security


def test_every_name_resolves_in_any_case_to_one_kind(kind: Kind) -> None:
    for name in (kind.name, *kind.aliases):
        for spelling in (name, name.upper(), name.lower()):
            found = registry().find(spelling)
            assert found is not None
            assert found.kind == kind.name


def test_fields_stand_in_the_order_of_the_catalogue(kind: Kind) -> None:
    late = COMPUTED_LAST.get(kind.name)
    assert [f.wire for f in registry()[kind.name].fields if f.wire != late] == [
        column.wire for column in kind.columns if column.wire != late
    ]


def test_a_field_is_described_as_in_the_catalogue(kind: Kind) -> None:
    entity = registry()[kind.name]
    assert {field.wire for field in entity.fields} == set(kind.by_wire)
    assert [_said(entity, field) for field in entity.fields] == [
        _expected(kind.by_wire[field.wire]) for field in entity.fields
    ]


def test_no_field_is_named_like_a_relation(kind: Kind) -> None:
    entity = registry()[kind.name]
    relations = {*entity.relations, *(item.name.lower() for item in entity.collections)}
    assert not relations & {column.wire.lower() for column in kind.columns}


def _security(entity: Entity) -> tuple[str, ...]:
    territory, team = "territory" if entity.has_territory else "", "team" if entity.has_team else ""
    return tuple(entity.by_name[name].wire if name else "" for name in (territory, entity.assigned, team))


def _said(entity: Entity, field: Field) -> tuple[object, ...]:
    sources = [(kind, registry()[kind].by_name[name].wire) for kind, name in field.sources]
    limited = field.type in ("text", "email", "url", "phone")
    return (
        field.wire,
        field.type,
        field.max_length if limited else 0,
        field.list_name,
        field.target,
        field.relation,
        [wire if kind == entity.kind else f"{kind}.{wire}" for kind, wire in sources],
        {
            flag
            for flag, holds in {
                "R": field.required,
                "F": field.fixed,
                "Q": field.search,
                "U": field.upsert,
                "X": field.administrators,
                "server": field.system,
                "default": field.has_default and not field.system,
            }.items()
            if holds
        },
        _default(field.default, field.completed or field.system),
    )


def _expected(column: Column) -> tuple[object, ...]:
    flags = {flag for flag in column.flags if flag in "RFQUX"}
    flags |= {"server"} if column.server else {"default"} if column.has_default else set()
    return (
        column.wire,
        "phone" if column.wire in TELEPHONE else column.type,
        column.length,
        column.list_name,
        column.target,
        column.relation,
        list(column.sources),
        flags,
        column.default or "",
    )


def _default(value: object, by_rule: bool) -> str:
    """Spell a stored default as the catalogue does; false is every boolean's."""
    return "" if by_rule or value is None or value is False else str(value).lower() if value is True else str(value)
