"""The page about moving tells the truth about what is not served yet."""

from __future__ import annotations

import re
from pathlib import Path

from entities.registry import registry
from tests.oracle.catalogue import catalogue

PAGE = Path(__file__).parents[1] / "docs" / "moving.md"


def test_the_kinds_still_to_come_are_those_that_do_not_stand() -> None:
    """Else: take what was added out of docs/moving.md."""
    named = re.findall(r"`(\w+)`", PAGE.read_text("utf-8").partition("until they are:")[2].partition(".\n")[0])
    assert named
    assert not [kind for kind in named if registry().find(kind)]
    assert not set(named) & set(catalogue())
