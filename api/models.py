"""What the wire contract keeps of its own: which requests were answered, for those that may be sent twice."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models


class Remembered(models.Model):
    """A request with an ``Idempotency-Key`` that was answered (contract.md §12.5).

    ``name`` = a digest of caller, address and key; ``body`` = one of the body; ``outcome`` = what a repeat needs to be
    answered anew: status and keys, no field of any record.
    """

    name = models.CharField(max_length=32, primary_key=True)
    caller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    address = models.TextField()
    key = models.CharField(max_length=255)
    body = models.CharField(max_length=32)
    outcome = models.JSONField()
    created_at = models.DateTimeField()

    class Meta:
        default_permissions: ClassVar[Any] = ()
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["created_at"], name="remembered_age_ix")]

    def __str__(self) -> str:
        return f"{self.key} {self.address}"
