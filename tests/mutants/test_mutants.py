"""Every side door has a check, and every check notices the fault that is planted for it (security.md §8.4)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.mutants import table
from tests.mutants.faults import DOORS, OPEN
from tests.mutants.planting import noticed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.mutants.planting import Fault


@pytest.mark.parametrize("fault", DOORS, ids=lambda fault: f"{fault.where}: {fault.name}")
def test_a_fault_in_a_side_door_is_noticed(
    fault: Fault, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    noticed(fault, monkeypatch, record_property)


def test_every_side_door_has_a_fault_or_is_open() -> None:
    planted = {int(fault.where.split()[1]) for fault in DOORS}
    assert planted | set(OPEN) == set(range(1, 30))
    assert not planted & set(OPEN)


def test_what_is_open_is_open() -> None:
    """Once there is an export or a webhook, its row needs a check."""
    root = Path(__file__).parents[2]
    code = "\n".join(path.read_text("utf-8") for name in ("api", "crm") for path in (root / name).rglob("*.py"))
    assert not re.search(r"text/csv|import csv|\burlopen\b|import requests|import httpx", code)


def test_the_table_in_the_docs_names_the_checks_and_faults_that_there_are() -> None:
    """Else: ``make checklist``."""
    text = table.DOCUMENT.read_text("utf-8")
    assert table.written(text) == text
