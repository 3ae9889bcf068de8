"""The tour of README.md: its requests as written, their answers as shown."""

from __future__ import annotations

import json
import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.api.wire import login

PAGE = Path(__file__).parents[2] / "README.md"
# A command, lines that it is continued on included, and the answer up to the end of the block.
STOPS = re.findall(r"^\$ (curl (?:[^\n]*\\\n)*[^\n]*)\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def shown(text: str) -> Any:
    """Return an answer of the page as JSON; what is left out stays as texts that begin with an ellipsis."""
    return json.loads(re.sub(r"(?<=: )…", '"…"', text))


def matches(found: Any, page: Any) -> bool:
    """Whether an answer is what the page shows of it: every member by name, all values that are not left out."""
    if isinstance(page, str) and page.startswith("…"):
        return page == "…" or found.endswith(page[1:])
    if isinstance(page, dict):
        return list(found) == list(page) and all(matches(found[name], value) for name, value in page.items())
    if isinstance(page, list):
        return len(found) == len(page) and all(map(matches, found, page))
    return bool(found == page)


@pytest.mark.parametrize(("command", "answer"), STOPS, ids=[f"stop {n}" for n in range(1, len(STOPS) + 1)])
def test_the_tour_shows_what_is_answered(world: None, command: str, answer: str) -> None:
    words = shlex.split(command.replace("\\\n", " ").replace("\\$", "$"))
    options = dict(pairwise(words))
    method = options.get("-X", "GET")
    headers = dict(value.split(": ", 1) for word, value in pairwise(words) if word == "-H")
    logon, _, password = options["-u"].partition(":")
    assert password == f"demo-{logon}"
    where = urlsplit(words[-1])
    data = options["-d"].encode() if "-d" in options else None
    path = f"{where.path}?{where.query}" if where.query else where.path
    sent = login(logon).send(method, path, data, headers={"Host": where.netloc, **headers})
    assert matches(sent.json, shown(answer)), sent.body


def test_there_is_a_tour() -> None:
    assert len(STOPS) >= 4
