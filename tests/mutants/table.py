"""Writes the table of side doors, checks and planted faults into docs/security.md (``make checklist``)."""

from __future__ import annotations

import os
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "security.md"
HEAD = "| # | side door | check in `tests/mutants/test_side_doors.py` | planted fault that it notices |"
TITLES = {
    1: "another territory's row by key, in bulk, by a sub-path",
    2: "a hidden field in an answer",
    3: "writing a hidden or read-only field, changing the key",
    4: "`where` on a hidden field",
    5: "an invalid filter silently dropped",
    6: "an order by a hidden field",
    7: "quick find in hidden columns",
    8: "totals and counts",
    9: "a reference to an invisible record",
    10: "messages that name what is hidden",
    11: "what is included",
    12: "links and titles",
    13: "prototypes, schemas, the OpenAPI document",
    14: "entity tags and 304",
    15: "what a denial tells",
    16: "cursors of others",
    17: "queries without limits",
    18: "log-in as an oracle",
    19: "credentials in addresses",
    20: "method override, HEAD, OPTIONS",
    21: "bodies that can be read in two ways",
    22: "functions without their right",
    23: "history and trail (the recycle bin does not exist yet)",
    24: "revocation lag",
    25: "idempotency keys of others",
    26: "paths and lists of the administration",
    27: "names that become paths of the database",
    28: "CSV",
    29: "webhooks and addresses of files",
}


def lines() -> list[str]:
    """Return the table."""
    from tests.mutants.faults import DOORS, OPEN

    found = [HEAD, "|---|---|---|---|"]
    for row, title in TITLES.items():
        faults = [fault for fault in DOORS if fault.where == f"row {row:02}"]
        checks = ", ".join(sorted({f"`{fault.killer.__name__}`" for fault in faults})) or "**open**"
        names = "; ".join(fault.name for fault in faults) or OPEN[row]
        found.append(f"| {row} | {title} | {checks} | {names} |")
    return found


def written(text: str) -> str:
    """Return the document with the table as it is now."""
    before, _, rest = text.partition(HEAD)
    after = rest.partition("\n\n")[2]
    return before + "\n".join(lines()) + "\n\n" + after


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()
    DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8")), "utf-8")
