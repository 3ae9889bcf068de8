"""Whether what is compared is the same: the rows, the columns and the links of the three answers to one question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.asking import Line, expected
from bench.cases import first_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.servers import Server


def compared(servers: Mapping[str, Server]) -> dict[str, Any]:
    """Return the sizes of the answers to the first case. Raises RuntimeError where the answers are not comparable."""
    answers = {}
    for name, ask in first_page().asks.items():
        if ask.logon == "restricted":
            answers[name] = expected(Line(servers[ask.server].port).ask(ask), ask)
    shown = {name: entries(answer.json) for name, answer in answers.items()}
    for name, found in shown.items():
        told = difference(shown["ours"], found, stock=name.startswith("stock"))
        if told:
            raise RuntimeError(f"{name} does not answer what ours does: {told}")
    return {name: len(answer.body) for name, answer in answers.items()}


def entries(answer: Any) -> Sequence[Mapping[str, Any]]:
    """Return the entries of a page of any of the implementations."""
    found: Sequence[Mapping[str, Any]] = answer["$resources" if "$resources" in answer else "results"]
    return found


def difference(ours: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]], *, stock: bool) -> str:
    """Return in which way ``other`` shows other rows, columns or links than ours; empty where it does not.

    The bare application must show every member alike but the tag, ours being keyed. The stock implementation names its
    members otherwise: it must show the same columns, and no fewer links but those that depend on a row's rights.
    """
    if not ours:
        return "there is nothing to compare"
    if [entry["$key"] for entry in ours] != [entry["id" if stock else "$key"] for entry in other]:
        return "other rows"
    if stock:
        return _of_stock(ours[0], other[0])
    for mine, found in zip(ours, other, strict=True):
        if list(mine) != list(found) or {**mine, "$etag": ""} != {**found, "$etag": ""}:
            return f"other members in the record {mine['$key']}"
    return ""


def _of_stock(mine: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    columns = {name for name in mine if not name.startswith("$") and not isinstance(mine[name], dict)}
    links = len([name for name in mine["$links"] if name not in ("$edit", "$delete")])
    plain = [name for name in found if name not in ("url", "links", *_RELATIONS)]
    if len(plain) != len(columns):
        return f"{len(plain)} columns, not {len(columns)}"
    if len(found["links"]) != links or len([name for name in found if name in _RELATIONS]) != len(_RELATIONS):
        return f"{len(found['links'])} links, not {links}"
    return ""


_RELATIONS = ("primary_person", "primary_address", "primary_user", "team", "territory")
