"""Notes: what somebody wrote down about a record."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from entities.declaration import ByOwner, Declaration
from entities.fields import memo
from entities.models.base import Record, indexes


class Note(Record):
    """A text about one company, person, opportunity, case or quote."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Notes",
        aliases=("note",),
        plural="Notes",
        label="Note",
        prefix="Note",
        table_id=114,
        title=("text",),
        title_length=60,
        parents=(ByOwner(("Company", "Person", "Opportunity", "Cases", "Quotes")),),
        names={"owner_table": "Note_ForeignTableId", "owner_id": "Note_ForeignId", "text": "Note_Note"},
        fixed=("owner_table", "owner_id"),
        delete="D4",
    )

    owner_table = models.IntegerField("Owner Kind")
    owner_id = models.IntegerField("Owner")
    text = memo("Note", required=True)

    class Meta:
        indexes = indexes("note", "owner_table owner_id")
