"""The same page with its JSON made by PostgreSQL: whether leaving Python altogether would gain anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from bench import limit, limit_sql

if TYPE_CHECKING:
    import psycopg

    from bench.limit_sql import Caller


def page(connection: psycopg.Connection[Any], who: Caller, base: str, query: str) -> bytes:
    """Return the first page by name."""
    sql = limit.remembered(("json", who, base), lambda asked: statement(asked[1], asked[2]))
    (found,) = limit.run(connection, sql, ())
    shown = orjson.Fragment(f"[{found[0] or ''}]".encode())
    return orjson.dumps(limit.feed(shown, base, query, "x" * 72))


def statement(who: Caller, base: str) -> str:
    """Return the statement that joins the text of a page's entries."""
    inner = limit_sql.page(who, "name", 99)  # it takes one more, to see whether more follow
    names = ["key", "title", "edit", "delete", *who.columns, *(f"named {kind}" for kind, _ in limit.RELATIONS)]
    aliases = ", ".join(f'"{name}"' for name in names)
    url = f"'{_text(base)}/Company(''' || key || ''')'"
    head = f"""'{{"$key":' || key || ',"$title":' || to_json(title) || ',"$url":"' || {url} || '","$etag":"'
        || substr(md5(e::text), 1, 16) || '","$updated":' || {_moment('"Comp_UpdatedDate"')}"""
    values = " || ".join(f"""',"{name}":' || {_json(name)}""" for name in who.columns)
    related = " || ".join(_related(kind, wire, base) for kind, wire in limit.RELATIONS)
    parts = f"""{head} || {values} || {related} || ',"$links":' || {_links(base)} || '}}'"""
    return f"SELECT string_agg({parts}, ',') FROM ({inner}) AS e ({aliases})"


def _text(value: str) -> str:
    return value.replace("'", "''").replace("%", "%%")


def _moment(column: str) -> str:
    return f"""'"' || to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') || '"'"""


def _json(name: str) -> str:
    if name.endswith("Date"):
        return f"""coalesce({_moment(f'"{name}"')}, 'null')"""
    return f"""coalesce(to_json("{name}")::text, 'null')"""


def _related(kind: str, wire: str, base: str) -> str:
    url = f"""'{_text(base)}/{kind}(''' || "{wire}" || ''')"'"""
    head = f"""',"{kind}":{{"$key":' || "{wire}" || ',"$url":"' || {url}"""
    link = f"""{head} || ',"$title":' || to_json("named {kind}") || '}}'"""
    return f"coalesce({link}, '')"


def _links(base: str) -> str:
    """Return the links of an entry: the template of the row's flags with key and title put in."""

    def filled(edit: bool, delete: bool) -> str:
        template = limit.links_template(base, edit=edit, delete=delete).decode()
        quoted = _text(template.replace("\0", "\2").replace("\1", "\3"))
        return f"replace(replace('{quoted}', '\2', key::text), '\3', to_json(title)::text)"

    return (
        f"CASE WHEN edit AND delete THEN {filled(True, True)} WHEN edit THEN {filled(True, False)}"
        f" WHEN delete THEN {filled(False, True)} ELSE {filled(False, False)} END"
    )
