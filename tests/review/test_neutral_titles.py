"""Where no title can be read, the title is kind and key (contract.md §7.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.wire import at

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.api.wire import Wire


@pytest.mark.parametrize(
    ("kind", "wires"),
    [("Cases", ["Case_Description"]), ("Quotes", ["Quot_Reference", "Quot_Description"]), ("Company", ["Comp_Name"])],
)
def test_a_neutral_title_is_kind_and_key(susan: Wire, rule: Callable[..., None], kind: str, wires: list[str]) -> None:
    key = susan.keys(kind, count=1)[0]
    for wire in wires:
        rule(kind, wire, read=False)
    entry = susan.entry(at(kind, key))
    assert entry["$title"] == entry["$links"]["$self"]["$title"] == f"{kind} {key}"
