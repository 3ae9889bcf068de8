"""Clock, random bytes and keys of new records, held still, so that equal worlds give equal bytes."""

from __future__ import annotations

import logging
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.db.models.signals import pre_save
from django.utils import timezone

from entities.models import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

FIRST_KEY = 2_000_000_001  # of the records that requests make; the sequences of the database are never asked


class Keys:
    """Gives new records keys from a counter that starts anew with each request.

    A sequence of the database is no part of a transaction: what it gave stays given when all else is undone.
    """

    def __init__(self) -> None:
        self.given = 0

    def restart(self) -> None:
        """Begin with the first key again."""
        self.given = 0

    def __call__(self, *, instance: Any, raw: bool = False, **rest: Any) -> None:
        """Give a record its key just before it is stored."""
        if isinstance(instance, Record) and instance.pk is None:
            instance.pk = FIRST_KEY + self.given
            self.given += 1


@contextmanager
def held_still(keys: Keys) -> Iterator[None]:
    """Hold everything still that differs from request to request; requests leave the connection open.

    The log is silent meanwhile: thousands of refusals are no news. What has to be secret is made before.
    """
    now = timezone.now()

    def same(count: int) -> bytes:
        return b"\x07" * count

    signals = (request_started, request_finished)
    with ExitStack() as stack:
        stack.enter_context(patch("django.utils.timezone.now", lambda: now))
        stack.enter_context(patch("time.time", lambda: now.timestamp()))
        stack.enter_context(patch("os.urandom", same))
        stack.enter_context(patch("random._urandom", same))  # the source of the module ``secrets``
        for signal in signals:
            signal.disconnect(close_old_connections)
            stack.callback(signal.connect, close_old_connections)
        logging.disable(logging.CRITICAL)
        stack.callback(logging.disable, logging.NOTSET)
        pre_save.connect(keys, weak=False)
        stack.callback(pre_save.disconnect, keys)
        yield
