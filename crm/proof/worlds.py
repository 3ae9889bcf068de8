"""Asks the same of two worlds and compares every byte.

Everything happens in one transaction that is rolled back, and the sequences of the database are not asked: nothing
stays. Where the transaction is this module's own, it reads one snapshot, so that a living installation can be proved.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from django.db import connection, transaction

from api.address import base_path
from crm.proof.asking import Asker
from crm.proof.caller import Answers, Asked, Caller, digest
from crm.proof.changing import Difference, applied, differences, unseen
from crm.proof.hidden import rights, sight_of
from crm.proof.shrinking import smallest
from crm.proof.still import Keys, held_still
from entities.models import User
from security import gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PER_WORLD = 2_000  # requests, before a third world takes the place of the second


class UnknownUser(Exception):
    """No user of that name may log in."""


class NotStill(Exception):
    """One world answered one request in two ways: there is nothing to compare."""

    def __init__(self, asked: Asked) -> None:
        super().__init__(f"The same world answers this in two ways: {asked}")


@dataclass(frozen=True)
class Leak:
    """A request that tells two worlds apart, and the changes between them."""

    asked: Asked
    changes: tuple[Difference, ...]
    of: int
    before: Answers
    after: Answers


@dataclass(frozen=True)
class Outcome:
    """What was asked, and the leak that was found, if any."""

    requests: int
    worlds: int
    changes: int
    statuses: dict[int, int]
    leak: Leak | None = None


def prove(logon: str, count: int, seed: int, tick: Callable[[int], object] = lambda _: None) -> Outcome:
    """Ask ``count`` requests of pairs of worlds; stop at the first leak. ``tick`` is told how many were played.

    Raises ``UnknownUser`` and ``NotStill``.
    """
    with undone():
        user = gate.system_rows(User).filter(logon__iexact=logon, disabled=False, resource=False).first()
        if user is None:
            raise UnknownUser(logon)
        keys = Keys()
        caller = Caller(user, keys)
        with held_still(keys):
            return _Proof(user, caller, seed, tick).run(count)


@contextmanager
def undone() -> Iterator[None]:
    """Undo the block: nothing of it is committed."""
    own = not connection.in_atomic_block
    with transaction.atomic():
        if own:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
        transaction.set_rollback(True)


class _Proof:
    def __init__(self, user: User, caller: Caller, seed: int, tick: Callable[[int], object]) -> None:
        self.user, self.caller, self.tick = user, caller, tick
        self.dice = random.Random(seed)
        self.statuses: dict[int, int] = {}
        self.asked = self.worlds = self.changes = 0

    def run(self, count: int) -> Outcome:
        asker = self._asker()
        requests = asker.requests(count)
        leak = None
        while requests and leak is None:
            some, requests = requests[:PER_WORLD], requests[PER_WORLD:]
            leak = self._played(asker, some)
        return Outcome(self.asked, self.worlds, self.changes, dict(sorted(self.statuses.items())), leak)

    def _asker(self) -> Asker:
        (answer,) = self.caller.answers(Asked("GET", f"{base_path()}/$openapi"))
        if answer.status != 200:
            raise UnknownUser(self.user.logon)
        staff = self.user.is_staff and self.user.is_active
        return Asker(sight_of(self.user.pk, self.dice), orjson.loads(answer.body), self.dice, staff=staff)

    def _played(self, asker: Asker, requests: Sequence[Asked]) -> Leak | None:
        """Play the requests in this world and in another one; return the leak."""
        first = []
        for asked in requests:
            answers = self.caller.answers(asked)
            first.append(digest(answers))
            for answer in answers:
                self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            self.tick(1)
        differing: Asked | None = None
        with transaction.atomic():
            made = unseen(self.user.pk, differences(asker.sight, self.dice), rights(self.user.pk))
            self.worlds, self.changes = self.worlds + 1, self.changes + len(made)
            for asked, known in zip(requests, first, strict=True):
                self.asked += 1
                self.tick(1)
                if digest(self.caller.answers(asked)) != known:
                    differing = asked
                    break
            transaction.set_rollback(True)
        return self._shrunk(differing, made) if differing else None

    def _shrunk(self, asked: Asked, made: list[Difference]) -> Leak:
        before = self.caller.answers(asked)
        if before != self.caller.answers(asked):
            raise NotStill(asked)
        small, changes = smallest(asked, made, self._tells)
        return Leak(small, tuple(changes), len(made), self.caller.answers(small), self._after(small, changes))

    def _tells(self, asked: Asked, changes: Sequence[Difference]) -> bool:
        return self.caller.answers(asked) != self._after(asked, changes)

    def _after(self, asked: Asked, changes: Sequence[Difference]) -> Answers:
        with transaction.atomic():
            applied(changes)
            found = self.caller.answers(asked)
            transaction.set_rollback(True)
        return found
