"""Writes the tests of every number of the acceptance checklist into docs/checklist.md (``make checklist``)."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "checklist.md"
NUMBERS = range(1, 91)
_ROW = re.compile(r"^\| (\d+) \| (.+?) \| [^|]* \| [^|]*\|$", re.MULTILINE)
_NAME = re.compile(r"test_((?:\d\d_)+)")


def tests(folder: Path = ROOT / "tests" / "contract") -> dict[int, list[str]]:
    """Return {number: ["file: test", …]} by the names of the tests; a name may begin with several numbers."""
    found: dict[int, list[str]] = {}
    for path in sorted(folder.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match = _NAME.match(node.name) if isinstance(node, ast.FunctionDef) else None
            for number in match[1].split("_")[:-1] if match else ():
                assert isinstance(node, ast.FunctionDef)
                found.setdefault(int(number), []).append(f"{path.stem.removeprefix('test_')}: {node.name}")
    return found


def rows(text: str) -> list[int]:
    """Return the numbers of the table."""
    return [int(match[1]) for match in _ROW.finditer(text)]


def written(text: str, known: dict[int, list[str]]) -> str:
    """Return the document with the tests that there are."""

    def row(match: re.Match[str]) -> str:
        names = known.get(int(match[1]), [])
        status = "tested" if names else "**open**"
        return f"| {match[1]} | {match[2]} | {status} | {'<br>'.join(f'`{name}`' for name in names)} |"

    return _ROW.sub(row, text)


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text("utf-8"), tests()), "utf-8")
