"""The compiled declarations: every entity, field, relation and collection, once per process.

The only reader of ``_meta``. It says what exists; it must not know who asks.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, cast

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import F

from entities.declaration import ByField, ByLink, ByOwner, ByReference, Declaration
from entities.fields import MultiSelectionField, PhoneNumberField, SelectionField, WebAddressField
from entities.kinds import (
    NUMBER_TYPES,
    TEXT_TYPES,
    CollectionLink,
    Column,
    Entity,
    Field,
    FieldCheck,
    FieldType,
    Registry,
)
from entities.models.base import INTERNAL, STAMPS, Record
from entities.shown import read_only, with_shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ABBREVIATIONS = {
    "sla": "SLA",
    "uom": "UOM",
    "sms": "SMS",
    "scrm": "SCRM",
    "pc": "PC",
    "erp": "ERP",
}
_FIXED_NAMES = {
    "territory": "SecTerr",
    "team": "ChannelId",
    "created_by": "CreatedBy",
    "created_at": "CreatedDate",
    "updated_by": "UpdatedBy",
    "updated_at": "UpdatedDate",
}
_STAMP_RELATIONS = {"created_by": "CreatedBy", "updated_by": "UpdatedBy"}


def camel(name: str) -> str:
    """Spell a Python name as the catalogue does: ``scrm_reason_for_loss`` → ``SCRMReasonForLoss``."""
    return "".join(_ABBREVIATIONS.get(part, part[:1].upper() + part[1:]) for part in name.split("_"))


def _wire(declaration: Declaration, name: str, model: type[models.Model], is_reference: bool) -> str:
    if name in declaration.names:
        return declaration.names[name]
    shows = _concrete(model)
    if shows is not model and shows.entity.prefix == declaration.prefix:
        return _wire(shows.entity, name, shows, is_reference)
    if name == "id":
        return f"{declaration.prefix}_{model.__name__}Id"
    if name in _FIXED_NAMES:
        return f"{declaration.prefix}_{_FIXED_NAMES[name]}"
    if is_reference and name.endswith("_currency"):
        return f"{declaration.prefix}_{camel(name.removesuffix('_currency'))}_CID"
    return f"{declaration.prefix}_{camel(name)}{'Id' if is_reference else ''}"


def _concrete(model: type[models.Model]) -> type[Record]:
    return cast("type[Record]", model._meta.concrete_model)


def _type(field: models.Field[Any, Any], declaration: Declaration, names: frozenset[str]) -> FieldType:
    if isinstance(field, models.GeneratedField):
        return _type(cast("models.Field[Any, Any]", field.output_field), declaration, names)
    plain: tuple[tuple[Any, FieldType], ...] = (
        (models.AutoField, "key"),
        (models.ForeignKey, "ref"),
        (MultiSelectionField, "msel"),
        (SelectionField, "sel"),
        (PhoneNumberField, "phone"),
        (models.EmailField, "email"),
        (WebAddressField, "url"),
        (models.URLField, "url"),
        (models.TextField, "memo"),
        (models.CharField, "text"),
        (models.BooleanField, "bool"),
        (models.DateTimeField, "dt"),
        (models.IntegerField, "int"),
    )
    for cls, name in plain:
        if isinstance(field, cls):
            return name
    if isinstance(field, models.DecimalField):
        if field.max_digits != 24:
            return "pct"
        repeated = {wire.split("_", 1)[1].removesuffix("_CID") for wire in declaration.repeats if wire.endswith("_CID")}
        has_currency = f"{field.name}_currency" in names or camel(field.name) in repeated
        return "money" if has_currency else "num"
    raise TypeError(f"{declaration.kind}.{field.name}: fields of class {type(field).__name__} have no type on the wire")


def _title(field: models.Field[Any, Any], name: str, declaration: Declaration, kind_of_field: FieldType) -> str:
    if kind_of_field == "key":
        return f"{declaration.label or declaration.kind} Id"
    title = str(field.verbose_name or name)
    return title if title[:1].isupper() else " ".join(word.capitalize() for word in title.split())


def _target(field: Any) -> str:
    return cast("type[Record]", field.remote_field.model).entity.kind


def _sources(declaration: Declaration, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    pairs = (name.split(".") if "." in name else (declaration.kind, name) for name in names)
    return tuple((kind, attribute) for kind, attribute in pairs)


def _expression_sources(expression: Any) -> tuple[str, ...]:
    if expression is None:
        return ()
    if isinstance(expression, F):
        return (str(expression.name),)  # type: ignore[attr-defined]  # the stubs lack it
    found: list[str] = []
    for child in expression.get_source_expressions():
        found.extend(_expression_sources(child))
    return tuple(found)


def _compile_field(model: type[Record], field: models.Field[Any, Any], names: frozenset[str]) -> Field:
    declaration = model.entity
    name, is_reference = field.name, isinstance(field, models.ForeignKey)
    kind_of_field = _type(field, declaration, names)
    generated = isinstance(field, models.GeneratedField)
    computed = declaration.computed.get(name, _expression_sources(getattr(field, "expression", None)))
    if model._meta.proxy and kind_of_field != "key":
        # A kind that shows the rows of another one obeys that one's field rules (security.md §3).
        computed = (f"{_concrete(model).entity.kind}.{name}",)
    target = _target(field) if is_reference else ""
    plain = field.output_field if isinstance(field, models.GeneratedField) else field
    relation = ""
    if is_reference and name not in declaration.unlinked:
        relation = _STAMP_RELATIONS.get(name) or declaration.relations.get(name, target)
    default = field.default if field.has_default() and not callable(field.default) else None
    found = Field(
        wire=_wire(declaration, name, model, is_reference),
        name=name,
        column=field.attname,
        type=kind_of_field,
        title=_title(field, name, declaration, kind_of_field),
        required=not field.blank and field.editable and not generated and kind_of_field not in ("key", "bool"),
        system=not field.editable or generated or kind_of_field == "key",
        max_length=None if isinstance(plain, ArrayField) else getattr(plain, "max_length", None),
        digits=getattr(plain, "max_digits", None),
        decimals=getattr(plain, "decimal_places", None),
        default=None if default == "" else default,
        completed=name in declaration.completed,
        list_name=getattr(field, "list_name", ""),
        target=target,
        relation=relation,
        fixed=name in declaration.fixed,
        search=name in declaration.search,
        upsert=name in declaration.upsert,
        administrators=name in declaration.administrators,
        derived=generated,
        sources=_sources(declaration, computed),
    )
    return read_only(found) if _is_view(declaration) else found


def _is_view(declaration: Declaration) -> bool:
    return bool(declaration.base or declaration.shown)


def _extra_fields(model: type[Record], known: Mapping[str, Field]) -> Iterator[Field]:
    declaration = model.entity
    for name, derived in declaration.derived.items():
        output = cast("models.Field[Any, Any]", derived.output)
        yield Field(
            wire=_wire(declaration, name, model, is_reference=False),
            name=name,
            column=name,
            type=_type(output, declaration, frozenset()),
            title=str(output.verbose_name),
            required=False,
            system=True,
            administrators=name in declaration.administrators,
            derived=True,
            sources=_sources(declaration, derived.sources),
            expression=derived.expression,
        )
    for wire, name in declaration.repeats.items():
        base = known.get(name)
        field = cast("models.Field[Any, Any]", model._meta.get_field(name))
        is_reference = isinstance(field, models.ForeignKey)
        title = "Currency" if wire.endswith("_CID") else str(field.verbose_name)
        yield Field(
            wire=wire,
            name=wire.lower(),
            column=field.attname,
            type="ref" if is_reference else "int",
            title=title,
            required=False,
            system=True,
            target=_target(field) if is_reference else "",
            repeat=True,
            sources=_repeat_sources(declaration, base, name),
        )


def _repeat_sources(declaration: Declaration, base: Field | None, name: str) -> tuple[tuple[str, str], ...]:
    """A repeated field is as readable as the one it repeats; where that one is internal, as what it is made from."""
    if base is None:
        return _sources(declaration, declaration.computed.get(name, ()))
    return ((declaration.kind, name),) if base.type != "key" else ()


def _compile(model: type[Record]) -> Entity:
    declaration = model.entity
    columns = list(model._meta.concrete_fields)
    hidden = {*INTERNAL, *declaration.internal}
    if declaration.only:
        hidden |= {f.name for f in columns} - set(declaration.only)
    shown = [f for f in columns if f.name not in hidden]
    if declaration.only:
        shown.sort(key=lambda f: declaration.only.index(f.name))
    names = frozenset(f.name for f in columns)
    plain = {f.name: _compile_field(model, f, names) for f in shown}
    extra = list(_extra_fields(model, plain))
    ordered = [f for name, f in plain.items() if name not in STAMPS]
    key = next(f for f in ordered if f.type == "key")
    keys = [key, *(f for f in extra if f.repeat and f.column == key.column)]
    ordered = [*keys, *(f for f in (*ordered, *extra) if f not in keys)]
    fields = (
        *_currencies_beside_amounts(ordered),
        *(plain[name] for name in STAMPS if name in plain),
    )
    return Entity(
        kind=declaration.kind,
        aliases=declaration.aliases,
        label=declaration.label or declaration.kind,
        plural=declaration.plural,
        prefix=declaration.prefix,
        table_id=declaration.table_id,
        model=model,
        fields=fields,
        title=declaration.title,
        title_joiner=declaration.title_joiner,
        title_length=declaration.title_length,
        search=declaration.search,
        order=declaration.order,
        assigned=declaration.assigned,
        has_territory="territory" in names and not _is_view(declaration),
        has_team="team" in names and not _is_view(declaration),
        parents=declaration.parents,
        collections=tuple(_compile_collection(item) for item in declaration.collections),
        reference_kind=declaration.reference_kind,
        read_only=declaration.read_only,
        base=declaration.base,
        shown=declaration.shown,
        proxy=bool(model._meta.proxy or not model._meta.managed),
        delete=declaration.delete,
        by_wire={f.wire.lower(): f for f in fields},
        by_name={f.name: f for f in fields},
        relations={f.relation.lower(): f for f in fields if f.relation},
        workflow=declaration.workflow,
    )


def _currencies_beside_amounts(fields: list[Field]) -> list[Field]:
    """Put each ``X_CID`` right after ``X``, as Sage lists them."""
    companions = {f.wire.removesuffix("_CID"): f for f in fields if f.wire.endswith("_CID")}
    ordered: list[Field] = []
    for field in fields:
        if not field.wire.endswith("_CID"):
            ordered.append(field)
            if field.wire in companions:
                ordered.append(companions[field.wire])
    return ordered


def _compile_collection(item: Any) -> CollectionLink:
    via, _, by = item.by.rpartition(".")
    return CollectionLink(
        name=f"{item.kind}Collection",
        kind=item.kind,
        by=by,
        via=via,
        unless=item.unless,
        owned=item.owned,
        nested=item.owned if item.nested is None else item.nested,
    )


@lru_cache(maxsize=1)
def registry() -> Registry:
    """Return all declared entities of the apps installed before ``security``, by table id."""
    loaded = [model for config in apps.get_app_configs() for model in (config.models or {}).values()]
    found = [model for model in loaded if issubclass(model, Record) and "entity" in vars(model)]
    compiled = sorted((_compile(model) for model in found), key=lambda entity: entity.table_id)
    names: dict[str, str] = {}
    for entity in compiled:
        for name in (entity.kind, *entity.aliases):
            if names.setdefault(name.lower(), entity.kind) != entity.kind:
                raise ValueError(f"{name} names both {names[name.lower()]} and {entity.kind}")
    plain = {entity.kind: entity for entity in compiled}
    compiled = [with_shown(entity, plain) if entity.shown else entity for entity in compiled]
    return Registry(
        entities={entity.kind: entity for entity in compiled},
        names=names,
        by_table_id={entity.table_id: entity for entity in compiled},
        by_model={entity.model: entity for entity in compiled},
    )


def entity_of(model: type[models.Model]) -> Entity:
    """Return the entity of ``model``; raises ``KeyError`` where the model is none."""
    return registry().by_model[model]


def permission(entity: Entity, action: Literal["view", "add", "change", "delete"]) -> str:
    """Return the codename of Django's permission for ``action``: ``view_company``."""
    return f"{action}_{entity.model._meta.model_name}"


def app_label(entity: Entity) -> str:
    """Return the label of the app that declares ``entity``."""
    return entity.model._meta.app_label


def table_name(model: type[models.Model]) -> str:
    """Return the name of the database table of ``model``."""
    return model._meta.db_table


def attributes(model: type[models.Model]) -> tuple[str, ...]:
    """Return the attributes that hold the columns of ``model``, in the order in which it takes them."""
    return tuple(field.attname for field in model._meta.concrete_fields)


_PLAIN: tuple[type[Any], ...] = (
    models.AutoField,
    models.ForeignKey,
    models.BooleanField,
    models.CharField,
    models.TextField,
    models.IntegerField,
    models.DecimalField,
    models.DateTimeField,
    ArrayField,
)
_PREPARING = ("pre_save", "get_db_prep_save", "get_db_prep_value", "get_prep_value")


@lru_cache(maxsize=200)
def plain_columns(model: type[models.Model]) -> tuple[Column, ...] | None:
    """Return the columns that a row of ``model`` is written with, its key first.

    None where Django has more to do than to hand values on: a model that saves in its own way, a field that makes its
    value when it is saved.
    """
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.GeneratedField)]
    own = any(getattr(model, name) is not getattr(models.Model, name) for name in ("save", "save_base"))
    if own or len(model._meta.get_parent_list()) or not all(map(_is_plain, fields)):
        return None
    fields.sort(key=lambda field: not field.primary_key)
    return tuple(Column(field.attname, str(field.column), str(field.db_type(connection))) for field in fields)


def _is_plain(field: models.Field[Any, Any]) -> bool:
    base = next((cls for cls in _PLAIN if isinstance(field, cls)), None)
    made = getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False) or field.has_db_default()
    return base is not None and not made and all(getattr(type(field), n) is getattr(base, n) for n in _PREPARING)


def constrained_by_others(model: type[models.Model]) -> bool:
    """Whether rows of ``model`` are compared with each other: by a constraint that is more than a condition on one."""
    return not all(isinstance(constraint, models.CheckConstraint) for constraint in model._meta.constraints)


@lru_cache(maxsize=200)
def field_checks(model: type[models.Model]) -> tuple[FieldCheck, ...]:
    """Return what Django checks of the values of ``model``, field by field, references aside."""
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.ForeignKey)]
    return tuple(_check(model, field) for field in fields if not isinstance(field, models.GeneratedField))


def _check(model: type[models.Model], field: models.Field[Any, Any]) -> FieldCheck:
    default, clean = field.get_default(), cast("Callable[[Any, Any], Any]", field.clean)
    try:
        passes = clean(default, model()) == default
    except ValidationError:
        passes = False
    empty = tuple(field.empty_values) if field.blank else ()
    return FieldCheck(field.name, field.attname, clean, empty, default if passes else models.NOT_PROVIDED)


__all__ = [
    "NUMBER_TYPES",
    "TEXT_TYPES",
    "ByField",
    "ByLink",
    "ByOwner",
    "ByReference",
    "CollectionLink",
    "Column",
    "Entity",
    "Field",
    "FieldCheck",
    "FieldType",
    "Record",
    "Registry",
    "app_label",
    "attributes",
    "camel",
    "constrained_by_others",
    "entity_of",
    "field_checks",
    "permission",
    "plain_columns",
    "registry",
    "table_name",
]
