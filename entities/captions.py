"""Selection lists at run time: codes, labels per language, order. Staff edit them; they are read once per policy.

And the families under which clients find them: one per selection field, and one label per field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import connections

from entities.models.captions import LANGUAGES, CaptionFamily
from entities.registry import registry, table_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from entities.models import Caption


@dataclass(frozen=True)
class Choice:
    """One code of a list; ``labels`` by language, in the order of ``LANGUAGES``. Retired codes are offered no more."""

    code: str
    labels: tuple[str, ...]
    retired: bool

    def label(self, language: str) -> str:
        """Return the label in ``language``; an empty one is the US label."""
        index = LANGUAGES.index(language) if language in LANGUAGES else 0
        return self.labels[index] or self.labels[0]


Lists = Mapping[str, tuple[Choice, ...]]


def compile_lists(rows: Iterable[Caption]) -> Lists:
    """Return ``{list name: choices in order}`` of the caption rows."""
    lists: dict[str, list[Choice]] = {}
    for row in rows:
        labels = (row.us, row.uk, row.de, row.du, row.es, row.fr)
        lists.setdefault(row.family, []).append(Choice(row.code, labels, row.retired))
    return {name: tuple(choices) for name, choices in lists.items()}


def spellings(choices: Iterable[Choice]) -> Mapping[str, str]:
    """Return the codes of a list as it spells them, in its order, by their lower case; what is retired is no code."""
    found: dict[str, str] = {}
    for choice in choices:
        if not choice.retired:
            found.setdefault(choice.code.lower(), choice.code)
    return found


def refresh_families(using: str = "default", **_: Any) -> None:
    """Bring the table of families up to date with the registry; called after every migration.

    Families are never removed: their keys are part of the keys of ``Custom_Captions``.
    """
    table = table_name(CaptionFamily)
    if table not in connections[using].introspection.table_names():  # migrated back to before it
        return
    stored = {(row.family_type, row.wire): row for row in CaptionFamily.objects.using(using)}
    wanted = {(row.family_type, row.wire): row for row in _families()}
    CaptionFamily.objects.using(using).bulk_create(row for key, row in wanted.items() if key not in stored)
    for key, row in stored.items():
        new = wanted.get(key, row)
        if (row.list, row.title) != (new.list, new.title):
            row.list, row.title = new.list, new.title
            row.save(using=using)


def _families() -> Iterator[CaptionFamily]:
    """Yield the families of every field; what several kinds spell alike is the same field."""
    titles: dict[str, str] = {}
    lists: dict[str, str] = {}
    for entity in registry():
        for field in entity.fields:
            titles.setdefault(field.wire, field.title)
            if field.list_name:
                lists.setdefault(field.wire, field.list_name)
    for wire, title in titles.items():
        yield CaptionFamily(family_type="Tags", wire=wire, title=title)
    for wire, name in lists.items():
        yield CaptionFamily(family_type="Choices", wire=wire, list=name, title=titles[wire])
