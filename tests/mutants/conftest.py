"""The demo world, without the judge of tests/contract; and the list of faults that ``make test-mutants`` prints."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.api.conftest import demo_connection, demo_database, world

if TYPE_CHECKING:
    import pytest

__all__ = ["demo_connection", "demo_database", "world"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the faults and what killed each of them, where that is asked for."""
    if not os.environ.get("PARAPET_MUTANTS"):
        return
    told = [dict(report.user_properties) for report in terminalreporter.stats.get("passed", [])]
    found = sorted((str(one["where"]), str(one["fault"]), str(one["killer"])) for one in told if "fault" in one)
    terminalreporter.section(f"{len(found)} planted faults, each killed")
    for where, fault, killer in found:
        terminalreporter.write_line(f"{where:<10} {fault:<64} {killer}")
