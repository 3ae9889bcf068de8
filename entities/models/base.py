"""What every record has: key, stamps, soft deletion; and the index sets of secured kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Collate, Lower

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entities.declaration import Declaration

LIVE = Q(deleted_at__isnull=True)
STAMPS = ("created_by", "created_at", "updated_by", "updated_at")
INTERNAL = ("deleted_at", "deleted_by")


def folded(name: str) -> Collate:
    """The one expression by which text is compared and ordered (entities.md §9.2)."""
    return Collate(Lower(name), "C")


class Record(models.Model):
    """A row of any entity. Deletion is a mark; the gate alone excludes marked rows."""

    entity: ClassVar[Declaration]

    id = models.AutoField(primary_key=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        verbose_name="Created By",
        related_name="+",
        null=True,
        editable=False,
        db_index=False,
    )
    created_at = models.DateTimeField("Created Date", null=True, editable=False)
    updated_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        verbose_name="Updated By",
        related_name="+",
        null=True,
        editable=False,
        db_index=False,
    )
    updated_at = models.DateTimeField("Updated Date", null=True, editable=False)
    deleted_at = models.DateTimeField(null=True, editable=False)
    deleted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        editable=False,
        db_index=False,
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """The title, of this record's own columns: the one declared, so that no text shows more than the title may."""
        parts = [str(value) for name in self.entity.title if (value := getattr(self, name, "")) not in (None, "")]
        neutral = f"{self.entity.label or self.entity.kind} {self.pk}"
        joined = self.entity.title_joiner.join(parts)
        return (joined[: self.entity.title_length] if self.entity.title_length else joined) or neutral


def indexes(prefix: str, *columns: str) -> list[models.Index]:
    """Partial btree indexes ``(column, id)`` over live rows; a column may be a blank-separated list.

    ``~name`` stands for the folded text expression.
    """
    return [_index(prefix, parts.split()) for parts in columns]


def secured(prefix: str, assigned: str, *more: str, walks: Iterable[str] = ()) -> list[models.Index]:
    """The indexes of a kind with rights of its own: security columns, then ``more``, then those that are walked.

    ``walks`` are orders in which lists are read, beside that of the keys and that of the changes. Their indexes hold
    the security columns, too, so that the rows of a page are found without a look at those that are not visible.
    """
    security = ("territory", assigned, "team", "created_by")
    found = indexes(prefix, *security, *more)
    return found + [_index(prefix, parts.split(), security) for parts in ("id", "updated_at", *walks)]


def _index(prefix: str, parts: list[str], covers: tuple[str, ...] = ()) -> models.Index:
    """Return the index of ``parts`` and the key that holds the columns ``covers`` besides; empty values come first."""
    name = f"{prefix}_{'_'.join(part.strip('~') for part in parts)}"[:27] + ("_cx" if covers else "_ix")
    if not covers and not any(part.startswith("~") for part in parts):
        return models.Index(fields=[*parts, "id"], name=name, condition=LIVE)
    terms: list[Any] = [folded(part[1:]) if part.startswith("~") else _ordered(part) for part in parts]
    if "id" not in parts:
        terms.append(F("id"))
    # Of a column that stands in an expression PostgreSQL reads the index alone only if it holds the column itself.
    texts = [part[1:] for part in parts if part.startswith("~")] if covers else []
    return models.Index(*terms, name=name, condition=LIVE, include=[*texts, *covers] or None)


def _ordered(column: str) -> Any:
    return F(column) if column == "id" else F(column).asc(nulls_first=True)


__all__ = ["INTERNAL", "LIVE", "STAMPS", "GinIndex", "Record", "folded", "indexes", "secured"]
