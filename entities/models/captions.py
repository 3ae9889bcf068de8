"""Selection lists as staff edit them: one row per code, with labels in six languages; and as clients read them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from entities.declaration import ByField, Declaration
from entities.fields import integer, text
from entities.models.base import STAMPS, Record

LANGUAGES = ("US", "UK", "DE", "DU", "ES", "FR")


class Caption(models.Model):
    """A code of a selection list (``family``), its labels and place in the order."""

    id = models.AutoField(primary_key=True)
    family_type = models.CharField(max_length=20, default="Choices")
    family = models.CharField("list", max_length=30)
    code = models.CharField(max_length=40)
    us = models.CharField("US English", max_length=255)
    uk = models.CharField("UK English", max_length=255, blank=True, default="")
    de = models.CharField("German", max_length=255, blank=True, default="")
    du = models.CharField("Dutch", max_length=255, blank=True, default="")
    es = models.CharField("Spanish", max_length=255, blank=True, default="")
    fr = models.CharField("French", max_length=255, blank=True, default="")
    order = models.IntegerField(default=0)
    retired = models.BooleanField(default=False, help_text="Kept on the records that hold it, offered no more.")

    class Meta:
        ordering = ("family", "order", "code")
        constraints = [
            models.UniqueConstraint(fields=["family_type", "family", "code"], name="capt_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.family}: {self.code}"


class CaptionFamily(models.Model):
    """What clients know as a family: the list of one selection field, or the label of one field.

    Brought up to date from the registry after every migration; a row is never removed, its key never used again.
    """

    id = models.SmallAutoField(primary_key=True)
    family_type = models.CharField(max_length=20)
    wire = models.CharField(max_length=60)
    list = models.CharField(max_length=30, blank=True, default="")
    title = models.CharField(max_length=255)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["family_type", "wire"], name="capt_family_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.family_type}: {self.wire}"


class CaptionEntry(Record):
    """A row of ``Custom_Captions``: a view in the database over the captions and their families."""

    entity: ClassVar[Declaration] = Declaration(
        kind="Custom_Captions",
        aliases=("captions",),
        plural="Captions",
        label="Caption",
        prefix="Capt",
        table_id=136,
        title=("family", "code"),
        order=("family", "order", "code"),
        parents=(ByField("wire"),),
        names={
            "id": "Capt_CaptionId",
            "us": "Capt_US",
            "uk": "Capt_UK",
            "de": "Capt_DE",
            "du": "Capt_DU",
            "es": "Capt_ES",
            "fr": "Capt_FR",
        },
        internal=("wire", *STAMPS),
        read_only=True,
        delete="",
    )

    family_type = text(20, "Family Type", editable=False)
    family = text(30, "Family", editable=False)
    code = text(40, "Code", editable=False)
    us = text(255, "US English", editable=False)
    uk = text(255, "UK English", editable=False)
    de = text(255, "German", editable=False)
    du = text(255, "Dutch", editable=False)
    es = text(255, "Spanish", editable=False)
    fr = text(255, "French", editable=False)
    order = integer("Order", editable=False)
    wire = text(60, editable=False)

    class Meta:
        managed = False
        db_table = "entities_captionentry"
