"""Selection lists as staff edit them: one row per code, with labels in six languages."""

from __future__ import annotations

from django.db import models

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
