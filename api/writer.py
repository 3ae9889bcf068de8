"""Writing entries from rows: by a function made for one kind, caller and projection (docs/adr/0038).

What is the same for all rows is worked out once. What is left is a few statements for each row, without a loop over its
columns: their text is made here, and it holds nothing that a client or a record says, only names of declared members.
"""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import orjson

from api import prototypes, workflow
from api.values import as_is, text_or_none, to_json
from entities.registry import Entity, Field, registry
from security import gate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import CodeType

    from api.entries import Projection
    from security.plan import Access
    from security.reading import Columns

    Row = tuple[Any, ...]
    Names = Mapping[str, Mapping[int, str | None]]
    Write = Callable[[Sequence[Row], Names], list[dict[str, Any]]]
    Tag = Callable[[int, list[Any]], str]

UNTAGGED = ("updated_at", "updated_by")


def made(access: Access, entity: Entity, projection: Projection, columns: Columns, base: str, tag: Tag | None) -> Write:
    """Return what writes the entries of rows of ``columns``; ``base`` is where the contract's addresses start.

    An entry is in the order of the contract: identity, tag, fields, linked records, links. What is made takes the rows
    and ``{kind: {key: title}}`` of the kinds whose titles they do not hold (``Columns.untitled``).
    """
    shape, fields, shown = access.shape(entity), list(enumerate(columns.fields)), set(projection.fields)
    state = workflow.state(shape) if projection.links else ()
    updated = projection.updated and shape.reads("updated_at")
    given: dict[str, Any] = {
        "url": f"{base}/{entity.kind}('",
        "neutral": partial(gate.neutral_title, entity),
        "tag": tag,
        "owner": partial(_owner, base),
        "labels": partial(_labels, access, [(n, field) for n, field in fields if field in shown]),
        "links": LinksOfEntries(access, entity, base).of if projection.links else None,
        **{f"w{n}": to_json(field) for n, field in fields},
        **{f"u{n}": f"{base}/{field.target}('" for n, field in fields},
    }
    exec(_code(_text(projection, columns, state, updated=updated)), given)
    write: Write = given["write"]
    return write


@lru_cache(maxsize=500)
def _code(text: str) -> CodeType:
    """Return the compiled text: it is the same for all callers with the same fields."""
    return compile(text, "<entries>", "exec")


def _text(projection: Projection, columns: Columns, state: Sequence[Field], *, updated: bool) -> str:
    """Return the text of the function; ``state`` = the fields that links depend on, ``updated`` = that of ``$updated``.

    In it ``v3`` is the value of the fourth field, ``w3`` what writes it, ``t3`` the title of what it names, ``n3`` what
    remembers such titles, ``u3`` how the addresses of such records begin.
    """
    fields = list(enumerate(columns.fields))
    at = {field.name: f"v{n}" for n, field in fields}
    untitled = [(n, field) for n, field in fields if field.target in columns.untitled]
    titles = [f"t{n}" for n, field in fields if field in columns.titles]
    row = ["key", "title", "edit", "delete", *at.values(), *titles, *(["owned_by"] if columns.owner else []), "*_"]
    lines = [
        "def write(rows, names):",
        " found = []",
        *(f" n{n} = names[{field.target!r}].get" for n, field in untitled),
    ]
    lines += [f" for {', '.join(row)} in rows:", "  title = title or neutral(key)"]
    lines += [f"  t{n} = n{n}(v{n})" for n, _ in untitled]
    lines += [f"  if t{n} is None: v{n} = None" for n, field in fields if field.target]
    lines += [f"  {line}" for n, field in fields if (line := _converted(n, field))]
    lines.append(f"  entry = {{{', '.join(_members(projection, columns, updated=updated))}}}")
    lines += [f"  {_link(at[field.name][1:], field)}" for field in projection.relations]
    if columns.owner:
        lines.append(f"  owner(entry, {at['owner_table']}, {at['owner_id']}, owned_by)")
    if projection.labels:
        lines.append(f"  entry['$labels'] = labels([{', '.join(at.values())}])")
    if projection.links:
        stage, status = (["''", "''"] + [f"{at[field.name]} or ''" for field in state])[-2:]  # some have no stage
        lines.append(f"  entry['$links'] = links(key, title, edit, delete, ({stage}, {status}))")
    return "\n".join([*lines, "  found.append(entry)", " return found"])


def _converted(n: int, field: Field) -> str:
    """Return the statement that turns a column's value into the member's, empty where they are the same."""
    write = to_json(field)
    return "" if write is as_is else f"v{n} = v{n} or None" if write is text_or_none else f"v{n} = w{n}(v{n})"


def _members(projection: Projection, columns: Columns, *, updated: bool) -> list[str]:
    """Return the members that every entry has."""
    fields, shown = list(enumerate(columns.fields)), set(projection.fields)
    found = ["'$key': key", "'$title': title", "'$url': f\"{url}{key}')\""]
    if projection.tag:
        values = ", ".join(f"v{n}" for n, field in fields if field.name not in UNTAGGED)
        found.append(f"'$etag': tag(key, [{values}])")
    if updated:
        found.append(f"'$updated': v{next(n for n, field in fields if field.name == 'updated_at')}")
    return found + [f"{field.wire!r}: v{n}" for n, field in fields if field in shown]


def _link(n: str, field: Field) -> str:
    """Return the statement that adds the link object of a reference."""
    link = f"{{'$key': v{n}, '$url': f\"{{u{n}}}{{v{n}}}')\", '$title': t{n}}}"
    return f"if t{n} is not None: entry[{field.relation!r}] = {link}"


def _owner(base: str, entry: dict[str, Any], table: int, key: int, title: str | None) -> None:
    kind = registry().by_table_id.get(table)
    if kind is not None and title is not None:
        entry[kind.kind] = {"$key": key, "$url": f"{base}/{kind.kind}('{key}')", "$title": title}


def _labels(access: Access, shown: Sequence[tuple[int, Field]], values: Sequence[Any]) -> dict[str, Any]:
    lists, language = access.lists, access.actor.language
    found: dict[str, Any] = {}
    for n, field in shown:
        codes = values[n]
        if field.list_name and codes:
            names = {choice.code: choice.label(language) for choice in lists.get(field.list_name, ())}
            labels = [names.get(code, code) for code in (codes if field.type == "msel" else [codes])]
            found[field.wire] = labels if field.type == "msel" else labels[0]
    return found


class LinksOfEntries:
    """The links of the entries of a kind, as JSON: written once for each combination of what is possible."""

    def __init__(self, access: Access, entity: Entity, base: str) -> None:
        shape = access.shape(entity)
        self.entity, self.base = entity, base
        self.edits, self.deletes = shape.offers("edit"), shape.offers("delete")
        self.collections = prototypes.collections(access, entity)
        self.actions = {step: workflow.request(shape, step) for step in workflow.steps(shape)}
        self.written: dict[tuple[bool, bool, tuple[str, str]], bytes] = {}

    def of(self, key: int, title: str, edit: bool, delete: bool, state: tuple[str, str]) -> orjson.Fragment:
        """Return the links of one entry; flags of its row, ``state`` = its stage and status."""
        kind = (edit and self.edits, delete and self.deletes, state)
        text = self.written.get(kind)
        if text is None:
            if len(self.written) >= _STATES:
                self.written.clear()
            text = self.written[kind] = self._written(*kind)
        return orjson.Fragment(text.replace(_KEY_MARK, b"%d" % key).replace(_TITLE_MARK, orjson.dumps(title)))

    def _written(self, edit: bool, delete: bool, state: tuple[str, str]) -> bytes:
        url, prototype = f"{self.base}/{self.entity.kind}('\0')", f"{self.base}/$prototypes/{self.entity.kind}"
        links: dict[str, Any] = {"$self": {"$url": url, "$title": "\1"}}
        if edit:
            links["$edit"] = {"$url": url, "$method": "PATCH", "$title": "Edit", "$request": prototype}
        if delete:
            links["$delete"] = {"$url": url, "$method": "DELETE", "$title": "Delete"}
        links["$prototype"] = {"$url": prototype, "$title": "Prototype"}
        links["$explain"] = {"$url": f"{url}/$explain", "$title": "Why"}
        for item in self.collections:
            links[item.name] = {"$url": f"{url}/{item.kind}", "$title": registry()[item.kind].plural}
        if edit:
            links |= workflow.links(self.actions, url, *state)
        return orjson.dumps(links).replace(rb"\u0000", _KEY_MARK).replace(rb'"\u0001"', _TITLE_MARK)


_KEY_MARK, _TITLE_MARK = b"\0", b"\1"  # which no JSON holds
_STATES = 1_000
