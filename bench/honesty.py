"""Whether what is compared is the same: the rows, the columns and the links of the answers to one question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.asking import Line, expected
from bench.cases import HALF, first_page

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
        told = difference(shown["ours"], found, stock=name.startswith("stock"), half=name.endswith(HALF))
        if told:
            raise RuntimeError(f"{name} does not answer what ours does: {told}")
    return {name: len(answer.body) for name, answer in answers.items()}


def entries(answer: Any) -> Sequence[Mapping[str, Any]]:
    """Return the entries of a page of any of the implementations."""
    found: Sequence[Mapping[str, Any]] = answer["$resources" if "$resources" in answer else "results"]
    return found


def difference(
    ours: Sequence[Mapping[str, Any]], other: Sequence[Mapping[str, Any]], *, stock: bool, half: bool = False
) -> str:
    """Return in which way ``other`` shows other rows, columns or links than ours; empty where it does not.

    The bare application must show every member alike but the tag, ours being keyed. The stock implementation names its
    members otherwise, and shows an empty text as such: of every record it must show a tag, the same values of the same
    columns, the same linked records with their titles, the same links. Where it answers ``half`` it must show the same
    columns, and no fewer links but those that depend on a row's rights.
    """
    if not ours:
        return "there is nothing to compare"
    if [entry["$key"] for entry in ours] != [entry.get("id" if stock else "$key") for entry in other]:
        return "other rows"
    if stock and half:
        return _of_half(ours[0], other[0])
    if len({entry.get("etag" if stock else "$etag") for entry in other} - {None, ""}) < len(other):
        return "a tag that two records share, or none"
    for mine, found in zip(ours, other, strict=True):
        told = _of_stock(mine, found) if stock else _of_limit(mine, found)
        if told:
            return f"{told} in the record {mine['$key']}"
    return ""


def _of_limit(mine: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    same = list(mine) == list(found) and {**mine, "$etag": ""} == {**found, "$etag": ""}
    return "" if same else "other members"


def _of_stock(mine: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    columns, shown = _columns(mine), [found[name] for name in _plain(found)]
    if len(columns) != len(shown):
        return f"{len(shown)} columns, not {len(columns)}"
    for name, value in zip(columns, shown, strict=True):  # both in the order of the declaration
        if mine[name] != (None if value == "" else value):
            return f"another {name}"
    for kind, name in _RELATIONS.items():
        if _linked(mine.get(kind), "$") != _linked(found.get(name), "", key="id"):
            return f"another {name}"
    links = {name.removeprefix("$").removesuffix("Collection") for name in mine["$links"]}
    if links != {name for name, url in found["links"].items() if url}:
        return "other links"
    records = [found, *(found[name] for name in _RELATIONS.values() if found.get(name))]
    if not all(record["url"].endswith(f"/{record['id']}/") for record in records):
        return "another address"
    elsewhere = any(f"/{found['id']}/" not in url for name, url in found["links"].items() if name != "prototype")
    return "a link that leads elsewhere" if elsewhere else ""


def _linked(shown: Any, prefix: str, key: str = "key") -> Any:
    """Return key and title of a linked record, and whether it has an address."""
    if not isinstance(shown, dict):
        return shown
    return (shown.get(prefix + key), shown.get(f"{prefix}title"), bool(shown.get(f"{prefix}url")))


def _of_half(mine: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    links = len([name for name in mine["$links"] if name not in ("$edit", "$delete")])
    columns, plain = _columns(mine), _plain(found)
    if len(plain) != len(columns):
        return f"{len(plain)} columns, not {len(columns)}"
    if len(found["links"]) != links or not {*_RELATIONS.values()} <= {*found}:
        return f"{len(found['links'])} links, not {links}"
    return ""


def _columns(mine: Mapping[str, Any]) -> list[str]:
    return [name for name in mine if not name.startswith("$") and not isinstance(mine[name], dict)]


def _plain(found: Mapping[str, Any]) -> list[str]:
    return [name for name in found if name not in ("url", "etag", "links", *_RELATIONS.values())]


# Ours → the stock implementation's.
_RELATIONS = {
    "Person": "primary_person",
    "Address": "primary_address",
    "Users": "primary_user",
    "Channel": "team",
    "Territories": "territory",
}
