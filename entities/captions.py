"""Selection lists at run time: codes, labels per language, order. Staff edit them; they are read once per policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from entities.models.captions import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def spelling(choices: Iterable[Choice], value: str) -> str | None:
    """Return ``value`` as the list spells it, matched without regard to case; None if no current code matches."""
    wanted = value.lower()
    return next(
        (choice.code for choice in choices if choice.code.lower() == wanted and not choice.retired),
        None,
    )
