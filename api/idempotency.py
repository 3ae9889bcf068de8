"""Requests that may be sent twice and count once (contract.md §12.5).

What a request did is remembered in its own transaction, so that neither is there without the other. While it runs it
holds a lock upon its name: a repeat finds either the lock or what is remembered. Nothing that was shown is kept: the
answer to a repeat is made anew, with the rights that the caller has by then.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from api import locks
from api.errors import ApiError
from api.models import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.single import Outcome

HEADER = "Idempotency-Key"
LIFETIME = timedelta(hours=24)
REMOVED_AT_ONCE = 100
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True)
class Repeatable:
    """What makes two requests the same one: caller, address and key; with another body the key is used wrongly."""

    caller: int
    address: str
    key: str
    body: str

    @property
    def name(self) -> str:
        """The name under which the request is remembered."""
        return locks.digest(self.caller, self.address, self.key)


def check(key: str | None) -> None:
    """Raise 400 for a value of the header that is no key."""
    if key is not None and not _KEY.fullmatch(key):
        message = f"{HEADER} has 1 to 255 visible ASCII characters."
        raise ApiError.of(400, "BadParameterValue", message, HEADER, "BadQueryParameter")


def once(request: Repeatable | None, work: Callable[[], Outcome], replay: Callable[[Any], Outcome]) -> Outcome:
    """Return what ``work`` does, the first time; afterwards ``replay`` of what is remembered of it.

    Runs inside the transaction of the write. ``replay`` gets ``{"status", "key", "memo"}`` of the first outcome; None
    as ``request`` is one that cannot be repeated. Raises 409 while the first one runs and 422 for another body. What
    fails is not remembered.
    """
    if request is None:
        return work()
    if not locks.take("idempotency", request.name):
        message = "The first request with this key is still running; try again."
        error = ApiError.of(409, "RequestInProgress", message)
        error.headers = {"Retry-After": "1"}
        raise error
    oldest = timezone.now() - LIFETIME
    known = Remembered.objects.filter(name=request.name, created_at__gt=oldest).first()
    if known is None:
        return _remembered(request, work(), oldest)
    if known.body != request.body:
        message = f"This {HEADER} was used with another body."
        raise ApiError.of(422, "IdempotencyKeyReused", message)
    outcome = replay(known.outcome)
    return replace(outcome, headers={**outcome.headers, "Idempotency-Replayed": "true"})


def _remembered(request: Repeatable, outcome: Outcome, oldest: Any) -> Outcome:
    """Remember an outcome; forget some of those whose time is over."""
    Remembered.objects.update_or_create(
        name=request.name,
        defaults={
            "caller_id": request.caller,
            "address": request.address,
            "key": request.key,
            "body": request.body,
            "outcome": {"status": outcome.status, "key": outcome.key, "memo": outcome.memo},
            "created_at": timezone.now(),
        },
    )
    over = Remembered.objects.filter(created_at__lte=oldest).order_by("created_at").select_for_update(skip_locked=True)
    names = list(over.values_list("name", flat=True)[:REMOVED_AT_ONCE])
    if names:
        Remembered.objects.filter(name__in=names).delete()
    return outcome
