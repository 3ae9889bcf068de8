"""How a fault is planted: a function of the product is replaced, and what was remembered before is forgotten."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.db import transaction

from api.openapi import document
from security import plan, surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True)
class Fault:
    """One fault: where it is (``row 7``, ``scope``, ``level``, ``gate``), what it does, how, and who notices."""

    where: str
    name: str
    plant: Plant
    killer: Callable[[], None]


@contextmanager
def undone() -> Iterator[None]:
    """Undo the block, in the database and in what was remembered of it."""
    forget()
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    forget()


def forget() -> None:
    """Forget plans, what was worked out of them, and documents that were made before or with the fault."""
    plan._policies.clear()
    surroundings._living.cache_clear()
    surroundings._reading_people.cache_clear()
    document._documents.clear()


def noticed(fault: Fault, patch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]) -> None:
    """Run the check of a fault without it, which passes, and with it, which fails; tell the list of faults."""
    with undone():
        fault.killer()
    with undone(), patch.context() as planted:
        fault.plant(planted)
        with pytest.raises(AssertionError) as why:
            fault.killer()
    assert "InternalError" not in str(why.value), "the fault breaks the product, so that its check is not proved"
    for name, told in (("where", fault.where), ("fault", fault.name), ("killer", fault.killer.__name__)):
        record_property(name, told)


def replaced(place: Any, name: str, by: Any) -> Plant:
    """A function that is replaced."""
    return lambda patch: patch.setattr(place, name, by)


def wrapped(place: Any, name: str, change: Callable[..., Any]) -> Plant:
    """A function that is replaced by ``change(told, *arguments)``, where ``told`` is the function itself."""
    told = getattr(place, name)
    return lambda patch: patch.setattr(place, name, lambda *given, **named: change(told, *given, **named))
