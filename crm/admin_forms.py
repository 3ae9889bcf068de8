"""The form of one record: its fields come from the shape, its saving ends in ``security.writes``.

It decides how a field is typed in, and what of an error is said where. What may be written is the shape's and the
gate's decision.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib.admin.widgets import AdminSplitDateTime, AdminTextareaWidget, AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db import transaction

from crm.admin_rows import Row, plain, read_one
from entities.registry import ByOwner, Entity, Field, registry
from entities.rules import RuleViolation
from security import gate, writes
from security.admin_select import RecordSelect, as_key
from security.errors import AccessError, Invalid, NotPermitted, OutsideYourRights, RecordNotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from entities.models import Record
    from security.plan import Access

REFUSALS = (AccessError, RuleViolation)
CHANGED_MEANWHILE = "Somebody else changed this record in the meantime. Load it again, then make your changes."
_SENTENCES: dict[type[Exception], str] = {
    NotPermitted: "You may not do this to this record.",
    OutsideYourRights: "The record would lie outside your rights.",
    RecordNotFound: "This record is gone.",
}
_WIDE = {"class": "vTextField"}


def problems(access: Access, entity: Entity, error: Exception) -> list[tuple[str, str]]:
    """Return ``(attribute or "", sentence)`` of what ``error``, one of ``REFUSALS``, says; no hidden field is named."""
    if isinstance(error, Invalid):
        found = [(name, message) for name, _, message in error.problems]
    elif isinstance(error, RuleViolation):
        found = [(one.field, one.message) for one in error.violations]
    else:
        return [("", _SENTENCES[type(error)])]
    shape = access.shape(entity)
    return [
        (name, text or "Not valid.") if not name or shape.reads(name) else ("", writes.NEUTRAL) for name, text in found
    ]


class LineField(forms.CharField):
    """A text exactly as it is: nothing trimmed; line ends as stored, not as browsers send them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> str:
        """Undo the line ends of HTML forms."""
        return str(super().to_python(value) or "").replace("\r\n", "\n")

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare as stored."""
        return bool((initial or "") != self.to_python(data))


class ReferenceField(forms.Field):
    """A reference to a record of ``kind`` that the actor can see; an invisible one is refused as a missing one.

    ``known`` = titles of the keys that are shown or were sent, as far as they are visible.
    """

    def __init__(self, kind: str, **options: Any) -> None:
        self.kind = kind
        self.known: Mapping[int, str] = {}
        super().__init__(widget=RecordSelect(kind, lambda keys: {}), **options)

    def know(self, known: Mapping[int, str]) -> None:
        """Tell what may be chosen and how it is called."""
        self.known = known
        if isinstance(self.widget, RecordSelect):
            self.widget.titles = lambda keys: {key: known[key] for key in keys if key in known}

    def to_python(self, value: Any) -> int | None:
        """Return the key. Raises ``ValidationError`` for one that is not visible."""
        if value in self.empty_values:
            return None
        key = as_key(value)
        if key is None or key not in self.known:
            raise ValidationError(forms.ModelChoiceField.default_error_messages["invalid_choice"], "invalid_choice")
        return key

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare keys."""
        return str(initial if initial is not None else "") != str(data if data is not None else "")


def form_field(access: Access, entity: Entity, field: Field, row: Row | None) -> forms.Field:
    """Return how ``field`` is typed in: into ``row``, or into a new record."""
    stored = row.values.get(field.name) if row else None
    # What is stored may be left as it is, even where a newer rule would refuse it (contract.md §11.2).
    required = access.shape(entity).requires(field) and (stored not in (None, "", []) if row else not field.has_default)
    options: dict[str, Any] = {"label": field.title, "required": required, "initial": None if row else field.default}
    owners = [parent.kinds for parent in entity.parents if isinstance(parent, ByOwner)]
    if owners and field.name == "owner_table":
        kinds = [registry()[kind] for kind in owners[0]]
        options["choices"] = [("", ""), *((kind.table_id, kind.label) for kind in kinds if access.sees(kind))]
        return forms.TypedChoiceField(coerce=int, empty_value=None, **options)
    match field.type:
        case "ref":
            return ReferenceField(field.target, **options)
        case "bool":
            return forms.BooleanField(label=field.title, required=False, initial=options["initial"])
        case "dt":
            return forms.SplitDateTimeField(widget=AdminSplitDateTime(), **options)
        case "int":
            return forms.IntegerField(min_value=-(2**31), max_value=2**31 - 1, **options)
        case "num" | "pct" | "money":
            return forms.DecimalField(max_digits=field.digits, decimal_places=field.decimals, **options)
        case "sel":
            return forms.ChoiceField(choices=_choices(access, field, [stored] if stored else []), **options)
        case "msel":
            boxes = forms.CheckboxSelectMultiple()
            return forms.MultipleChoiceField(choices=_choices(access, field, stored or [])[1:], widget=boxes, **options)
        case "memo":
            return LineField(max_length=field.max_length, widget=AdminTextareaWidget(), **options)
        case "email":
            return forms.EmailField(max_length=field.max_length, widget=forms.EmailInput(_WIDE), **options)
        case _:
            return LineField(max_length=field.max_length, widget=AdminTextInputWidget(), **options)


def _choices(access: Access, field: Field, stored: Iterable[str]) -> list[tuple[str, str]]:
    """Return the codes on offer, and those that the record holds although they are not."""
    listed = access.lists.get(field.list_name, ())
    found = [(c.code, c.label(access.actor.language)) for c in listed if not c.retired or c.code in stored]
    codes = {code for code, _ in found}
    return [("", "---------"), *found, *((code, code) for code in stored if code not in codes)]


def initial_of(row: Row) -> dict[str, Any]:
    """Return what a form shows of ``row``."""
    return {name: plain(value) if isinstance(value, Decimal) else value for name, value in row.values.items()}


class RecordForm(forms.ModelForm["Record"]):
    """The form of one record; ``form_class`` gives it its fields.

    Checking the form stores the record, for only the write knows whether it is allowed, and what it says belongs
    beside the fields. A refused write leaves nothing behind.
    """

    access: ClassVar[Access]
    entity: ClassVar[Entity]

    def __init__(self, *arguments: Any, **options: Any) -> None:
        instance = options.get("instance")
        self.row: Row | None = vars(instance)["row"] if instance is not None else None
        if self.row is not None:
            options["initial"] = {**initial_of(self.row), "shown_tag": self.row.tag, **(options.get("initial") or {})}
        super().__init__(*arguments, **options)
        self._know_references()

    def _know_references(self) -> None:
        """Look up in one statement which of the records shown, sent or proposed are visible, and their titles."""
        references = {name: field for name, field in self.fields.items() if isinstance(field, ReferenceField)}
        wanted: dict[str, set[int]] = {}
        for name, field in references.items():
            for value in (self.get_initial_for_field(field, name), self.data.get(self.add_prefix(name))):
                key = as_key(value)
                if key is not None:
                    wanted.setdefault(field.kind, set()).add(key)
        titles = gate.titles(self.access, wanted)
        for field in references.values():
            field.know({key: title for (kind, key), title in titles.items() if kind == field.kind})

    def _post_clean(self) -> None:
        if self.errors:
            return
        try:
            with transaction.atomic():
                key = self.store()
        except REFUSALS as error:
            for name, sentence in problems(self.access, self.entity, error):
                self.add_error(name if name in self.fields else None, sentence)
        else:
            self.instance = self._read_back(key)

    def values(self) -> dict[str, Any]:
        """Return what was typed in, as far as it differs from what was shown."""
        names = [name for name in self.changed_data if name in self.entity.by_name]
        return {name: _stored(self.entity.by_name[name], self.cleaned_data[name], self.access) for name in names}

    def store(self) -> int:
        """Write the record through the gate and return its key. Raises one of ``REFUSALS``."""
        if self.row is None:
            return writes.create(self.access, self.entity, self.values()).pk
        record = writes.locked(self.access, self.entity, self.row.key, "edit")
        now = read_one(self.access, self.entity, self.row.key)
        if now is None or now.tag != self.cleaned_data["shown_tag"]:
            raise Invalid([("", "BusinessRule", CHANGED_MEANWHILE)])
        writes.update(self.access, self.entity, record, self.values())
        return self.row.key

    def _read_back(self, key: int) -> Record:
        """Return what the actor sees of the record now: perhaps nothing but its key (contract.md §7.5)."""
        row = read_one(self.access, self.entity, key)
        return (row or Row(self.entity, key, gate.neutral_title(self.entity, key), {}, {})).carrier()


def _stored(field: Field, value: Any, access: Access) -> Any:
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    if field.type == "msel":
        order = [choice.code for choice in access.lists.get(field.list_name, ())]
        return sorted(value, key=lambda code: order.index(code) if code in order else len(order))
    return value


def form_class(
    access: Access,
    entity: Entity,
    row: Row | None,
    fields: Iterable[Field],
    base: type[RecordForm] = RecordForm,
    extra: Mapping[str, forms.Field] | None = None,
) -> type[RecordForm]:
    """Return the form of ``row``, or of a new record, that offers ``fields`` and ``extra``."""
    meta = type("Meta", (), {"model": entity.model, "fields": ()})
    members: dict[str, Any] = {field.name: form_field(access, entity, field, row) for field in fields}
    if row is not None:
        members["shown_tag"] = forms.CharField(widget=forms.HiddenInput(), required=False)
    members |= {**(extra or {}), "Meta": meta, "__module__": __name__}
    made: type[RecordForm] = type(f"{entity.kind}Form", (base,), members)
    made.access, made.entity = access, entity  # afterwards, so that a field may have such a name
    return made
