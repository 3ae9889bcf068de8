"""Reference numbers: by the patterns, never twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from entities.models import User
from tests.rules.world import World, case, create, delete, saved

if TYPE_CHECKING:
    from pytest_django import Settings


def test_a_case_is_numbered_after_its_creator_by_one_counter_for_all(world: World) -> None:
    other = saved(User(logon="peter", last_name="P"))
    first, second = create(world.actor, case(world)), create(other, case(world))
    number = int(first.reference_id.split("-")[1])
    assert first.reference_id == f"{world.actor.pk}-{number}"
    assert second.reference_id == f"{other.pk}-{number + 1}"
    assert (first.opened_by_id, second.opened_by_id) == (world.actor.pk, other.pk)


def test_a_quote_is_numbered_by_the_pattern(world: World, settings: Settings) -> None:
    first = world.quote()
    assert first.reference == f"Q-{int(first.reference[2:]):06}"
    settings.QUOTE_REFERENCE = "ANG{counter}"
    assert world.quote().reference == f"ANG{int(first.reference[2:]) + 1}"


def test_a_number_is_never_given_again(world: World) -> None:
    first = create(world.actor, case(world))
    delete(world.actor, first)
    assert create(world.actor, case(world)).reference_id != first.reference_id
