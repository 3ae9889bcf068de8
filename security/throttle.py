"""Slowing down whoever guesses passwords: per network, and per account from one network (contract.md §2.9).

Every failure moves a moment into the future, and the moment is how much of them is remembered: it is reached by itself,
so that nobody is ever locked out, only delayed. The table is shared by all processes and written on failures only; a
failure counts for the network that it comes from and for no other.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from security.models import Failure

if TYPE_CHECKING:
    from collections.abc import Iterator

GRACE = timedelta(minutes=1)
WRONG_CODES_AN_HOUR = 10
CLEARED_AT_ONCE = 100
# Waiting holds a thread of the server, so that no more than one of a process waits.
_waiting = threading.Semaphore(1)


@dataclass
class TooManyFailures(Exception):
    """There were too many failed log-ins; ``seconds`` to wait before the next one is looked at."""

    seconds: int


@dataclass(frozen=True)
class Counter:
    """What is counted under ``key``: ``limit`` failures, each of them remembered for ``cost`` seconds."""

    key: str
    limit: int
    cost: float

    def excess(self, until: datetime, now: datetime) -> float:
        """Return the seconds until another attempt is looked at; not above 0 = now."""
        return (until - now).total_seconds() - (self.limit - 1) * self.cost

    def is_slow(self, until: datetime, now: datetime) -> bool:
        """Whether half of the failures that are allowed have been there."""
        return (until - now).total_seconds() > (self.limit / 2 - 1) * self.cost


@lru_cache(maxsize=1024)
def network_of(address: str) -> str:
    """Return the network that counts as one caller: an IPv4 address, the /64 of an IPv6 address."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped) if mapped else str(ip_network((found, 64), strict=False))
    return str(found)


def _counters(network: str, account: str) -> Iterator[Counter]:
    window = float(settings.LOGIN_FAILURES_WINDOW)
    for name, limit in (
        (f"network {network}", settings.LOGIN_FAILURES_PER_NETWORK),
        (f"account {network} {account}", settings.LOGIN_FAILURES_PER_ACCOUNT),
    ):
        if limit > 0:
            yield Counter(key_of(name), limit, window / limit)


def key_of(name: str) -> str:
    """Return a keyed digest: the names hold what was typed, which may be a password in the wrong field."""
    secret = settings.SECRET_KEY.encode()
    return hmac.new(secret, name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def _codes(whose: str) -> Counter:
    return Counter(key_of(f"code {whose}"), WRONG_CODES_AN_HOUR, 3600 / WRONG_CODES_AN_HOUR)


def codes_are_exhausted(user: int) -> bool:
    """Whether there were so many wrong codes of a user that another is not looked at now, wherever it comes from."""
    counter, now = _codes(f"{user}"), timezone.now()
    until = Failure.objects.filter(key=counter.key, until__gt=now).values_list("until", flat=True).first()
    return until is not None and counter.excess(until, now) > 0


def code_failed(whose: str) -> None:
    """Count a wrong code."""
    _count([_codes(whose)], timezone.now())


def check(network: str, account: str) -> None:
    """Let an attempt pass, late where there were many failures; raises ``TooManyFailures`` where there were too many.

    It waits before anything is known of the attempt, so that the time says nothing about the password.
    """
    counters = {counter.key: counter for counter in _counters(network, account)}
    now = timezone.now()
    stored = Failure.objects.filter(key__in=counters, until__gt=now).values_list("key", "until") if counters else []
    slow = False
    for key, until in stored:
        excess = counters[key].excess(until, now)
        if excess > 0:
            raise TooManyFailures(math.ceil(excess))
        slow = slow or counters[key].is_slow(until, now)
    if slow and settings.LOGIN_DELAY > 0:
        if not _waiting.acquire(blocking=False):
            raise TooManyFailures(math.ceil(settings.LOGIN_DELAY))
        try:
            time.sleep(settings.LOGIN_DELAY)
        finally:
            _waiting.release()


def failed(network: str, account: str) -> None:
    """Count a failed log-in, and forget those that no longer matter."""
    now = timezone.now()
    _count(list(_counters(network, account)), now)
    with transaction.atomic():
        over = Failure.objects.filter(until__lt=now - GRACE).select_for_update(skip_locked=True)
        keys = list(over.values_list("key", flat=True)[:CLEARED_AT_ONCE])
        if keys:
            Failure.objects.filter(key__in=keys).delete()


def _count(counters: list[Counter], now: datetime) -> None:
    Failure.objects.bulk_create([Failure(key=c.key, until=now) for c in counters], ignore_conflicts=True)
    for counter in counters:
        later = Greatest(F("until"), now) + timedelta(seconds=counter.cost)
        Failure.objects.filter(key=counter.key).update(until=later)
