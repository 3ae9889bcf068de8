"""The trail of log-ins: who came or failed to come, when, from which network, on which channel.

Nothing that was typed is kept: a known user is named by reference, an unknown logon, a password, a code and a token
not at all. What repeats within an hour is one row that counts, so that nobody can fill the table by failing; rows
older than ``LOG_IN_DAYS`` are removed as others are written.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from security.models import LogIn

if TYPE_CHECKING:
    from datetime import datetime

REMOVED_AT_ONCE = 100
# What a client may cause as often as it likes without paying for it is written this seldom, in seconds per process.
_SELDOM = {"throttled": 60, "right": 300}
_SEEN_ENTRIES = 10_000

log = structlog.get_logger(__name__)

_written: OrderedDict[Attempt, float] = OrderedDict()


@dataclass(frozen=True)
class Attempt:
    """One attempt: ``user`` is None where nobody is known by what was typed."""

    user: int | None
    network: str
    channel: str
    outcome: str


def note(attempt: Attempt, logon: str) -> None:
    """Write ``attempt`` into the trail and the log; ``logon`` stands in the log alone, and only of somebody known."""
    if _is_fresh(attempt):
        return
    name = logon if attempt.user is not None else "a token" if attempt.channel == "token" else "unknown"
    said = {"network": attempt.network, "channel": attempt.channel, "outcome": attempt.outcome, "logon": name}
    if attempt.outcome in LogIn.GOOD:
        log.info("log-in", **said)
    else:
        log.warning("log-in failed", **said)
    if settings.LOG_IN_DAYS > 0:
        _write(attempt, timezone.now())


def _is_fresh(attempt: Attempt) -> bool:
    """Whether the same was written a moment ago and need not be again; it is taken as written now."""
    pause, now = _SELDOM.get(attempt.outcome), time.monotonic()
    if pause is None or (attempt.outcome == "right" and attempt.channel != "token"):
        return False
    if now - _written.get(attempt, -pause) < pause:
        return True
    while len(_written) >= _SEEN_ENTRIES:
        _written.popitem(last=False)
    _written[attempt] = now
    _written.move_to_end(attempt)
    return False


def _write(attempt: Attempt, now: datetime) -> None:
    same = {
        "hour": now.replace(minute=0, second=0, microsecond=0),
        "user_id": attempt.user,
        "network": attempt.network,
        "channel": attempt.channel,
        "outcome": attempt.outcome,
    }
    LogIn.objects.bulk_create([LogIn(**same, first_at=now, last_at=now)], ignore_conflicts=True)
    LogIn.objects.filter(**same).update(times=F("times") + 1, last_at=now)
    with transaction.atomic():
        old = LogIn.objects.filter(last_at__lt=now - timedelta(days=settings.LOG_IN_DAYS))
        keys = list(old.select_for_update(skip_locked=True).values_list("pk", flat=True)[:REMOVED_AT_ONCE])
        if keys:
            LogIn.objects.filter(pk__in=keys).delete()
