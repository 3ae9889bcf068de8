"""Counters of reference numbers. A number is never given twice; gaps are possible."""

from __future__ import annotations

from django.db import models


class Counter(models.Model):
    """The last number given under ``name`` (``Cases``, ``Quotes``)."""

    name = models.CharField(max_length=40, primary_key=True)
    value = models.IntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
