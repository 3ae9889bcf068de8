"""The demo world and the clients of ``tests/api``."""

from __future__ import annotations

from tests.api.conftest import (
    admin,
    demo_connection,
    demo_database,
    nobody,
    nora,
    olivia,
    peter,
    susan,
    world,
)

__all__ = ["admin", "demo_connection", "demo_database", "nobody", "nora", "olivia", "peter", "susan", "world"]
