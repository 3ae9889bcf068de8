"""The physical limit: a bare WSGI application over psycopg and orjson that answers what ours answers, byte for byte
but for tags and cursors. It checks no password, parses no query and knows one kind: nobody could serve this faster.

    gunicorn bench.limit:application

``/company?order=name&count=100&offset=0&after=…``, ``/company/43``; with ``/sql`` before it, PostgreSQL makes the JSON.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from itertools import product
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import orjson
import psycopg

from bench import limit_sql
from bench.size import BASE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.limit_sql import Caller

OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS
COLLECTIONS = {
    "Address": "Addresses",
    "Phone": "Phones",
    "Email": "E-mail Addresses",
    "Notes": "Notes",
    "Person": "People",
    "Opportunity": "Opportunities",
    "Cases": "Cases",
    "Quotes": "Quotes",
}
RELATIONS = (
    ("Person", "Comp_PrimaryPersonId"),
    ("Address", "Comp_PrimaryAddressId"),
    ("Users", "Comp_PrimaryUserId"),
    ("Channel", "Comp_ChannelId"),
    ("Territories", "Comp_SecTerr"),
)
_local = threading.local()
_callers: dict[str, Caller] = {}
_statements: dict[tuple[Any, ...], str] = {}
_TAG_KEY = b"bench"


def links_template(base: str, *, edit: bool, delete: bool) -> bytes:
    """Return the links of an entry as bytes, with a NUL where its key and a SOH where its title goes."""
    url, prototype = f"{base}/Company('\0')", f"{base}/$prototypes/Company"
    links: dict[str, Any] = {"$self": {"$url": url, "$title": "\1"}}
    if edit:
        links["$edit"] = {"$url": url, "$method": "PATCH", "$title": "Edit", "$request": prototype}
    if delete:
        links["$delete"] = {"$url": url, "$method": "DELETE", "$title": "Delete"}
    links["$prototype"] = {"$url": prototype, "$title": "Prototype"}
    links["$explain"] = {"$url": f"{url}/$explain", "$title": "Why"}
    links |= {f"{kind}Collection": {"$url": f"{url}/{kind}", "$title": title} for kind, title in COLLECTIONS.items()}
    return orjson.dumps(links).replace(rb"\u0000", b"\0").replace(rb'"\u0001"', b"\1")


def entries(who: Caller, rows: list[tuple[Any, ...]], base: str) -> list[dict[str, Any]]:
    """Return the entries of the rows of a page."""
    names = tuple(who.columns)
    last = 4 + len(names)
    at = [(kind, 4 + names.index(wire), last + n, f"{base}/{kind}('") for n, (kind, wire) in enumerate(RELATIONS)]
    updated = 4 + names.index("Comp_UpdatedDate")
    templates = {
        flags: links_template(base, edit=flags[0], delete=flags[1]) for flags in product((False, True), repeat=2)
    }
    found = []
    for row in rows:
        key, title = row[0], row[1]
        tag = hashlib.blake2b(orjson.dumps(row[4:last]), key=_TAG_KEY, digest_size=12).digest()
        entry = {
            "$key": key,
            "$title": title,
            "$url": f"{base}/Company('{key}')",
            "$etag": base64.urlsafe_b64encode(tag).decode(),
            "$updated": row[updated],
            **dict(zip(names, row[4:], strict=False)),
        }
        for kind, where, named, start in at:
            if row[where] is not None:
                entry[kind] = {"$key": row[where], "$url": f"{start}{row[where]}')", "$title": row[named]}
        links = templates[row[2], row[3]].replace(b"\0", b"%d" % key).replace(b"\1", orjson.dumps(title))
        entry["$links"] = orjson.Fragment(links)
        found.append(entry)
    return found


def feed(shown: Any, base: str, query: str, following: str) -> dict[str, Any]:
    """Return the feed around the entries of a page."""
    url = f"{base}/Company"
    this = f"{url}?{query}"
    links = {
        "$self": {"$url": this, "$title": "This page"},
        "$first": {"$url": this, "$title": "First page"},
        "$next": {"$url": f"{this}&after={following}", "$title": "Next page"},
        "$prototype": {"$url": f"{base}/$prototypes/Company", "$title": "Prototype"},
        "$query": {"$url": f"{url}/$query", "$method": "POST", "$title": "Query with a body"},
        "$batch": {"$url": f"{url}/$batch", "$method": "POST", "$title": "Batch"},
        "$insert": {
            "$url": url,
            "$method": "POST",
            "$title": "New Company",
            "$request": f"{base}/$prototypes/Company",
        },
    }
    if not following:
        del links["$next"]
    head = {"$url": this, "$title": "Companies", "$baseUrl": base, "$startIndex": 1, "$itemsPerPage": 100}
    return {**head, "$resources": shown, "$links": links}


def page(connection: psycopg.Connection[Any], who: Caller, given: dict[str, str], base: str, query: str) -> bytes:
    """Return one page of companies."""
    order, count = given.get("order", "name"), int(given.get("count", "100"))
    after = orjson.loads(base64.urlsafe_b64decode(given["after"])) if "after" in given else []
    sql = remembered(("page", order, count, bool(after), given.get("offset", "0"), who), _page_sql)
    rows = run(connection, sql, tuple(after))
    following = ""
    if len(rows) > count:
        rows = rows[:count]
        following = cursor_of(who, order, rows[-1])
    return orjson.dumps(feed(entries(who, rows, base), base, query, following), option=OPTIONS)


def cursor_of(who: Caller, order: str, row: tuple[Any, ...]) -> str:
    """Return where a page ended."""
    updated = row[4 + list(who.columns).index("Comp_UpdatedDate")]
    at = {"name": [row[1].lower(), row[0]], "id": [row[0]], "-updated_at": [updated, row[0]]}[order]
    return base64.urlsafe_b64encode(orjson.dumps(at)).decode()


def _page_sql(asked: tuple[Any, ...]) -> str:
    _, order, count, beyond, offset, who = asked
    return limit_sql.page(who, order, count, beyond=beyond, offset=int(offset))


def single(connection: psycopg.Connection[Any], who: Caller, key: int, base: str) -> bytes:
    """Return one company, or nothing."""
    sql = remembered(("single", who), lambda asked: limit_sql.single(asked[1]))
    rows = run(connection, sql, (key,))
    return orjson.dumps(entries(who, rows, base)[0], option=OPTIONS) if rows else b""


def run(connection: psycopg.Connection[Any], sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Return the rows of a prepared statement, in binary."""
    return psycopg.Cursor(connection).execute(sql, values, prepare=True, binary=True).fetchall()


def remembered(asked: tuple[Any, ...], make: Callable[[tuple[Any, ...]], str]) -> str:
    """Return the statement for what is asked, made once in each process."""
    if asked not in _statements:
        _statements[asked] = make(asked)
    return _statements[asked]


def connect() -> psycopg.Connection[Any]:
    """Return this thread's connection."""
    if not hasattr(_local, "connection"):
        _local.connection = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        _local.connection.execute("SET timezone = 'UTC'; SET plan_cache_mode = force_generic_plan")
    connection: psycopg.Connection[Any] = _local.connection
    return connection


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer a request."""
    from bench import limit_json

    connection = connect()
    logon = base64.b64decode(environ["HTTP_AUTHORIZATION"][6:]).decode().partition(":")[0]
    who = _callers.get(logon) or _callers.setdefault(logon, limit_sql.caller(connection, logon))
    base, query = f"http://{environ['HTTP_HOST']}{BASE}", environ["QUERY_STRING"]
    path = environ["PATH_INFO"].rpartition("/")
    if path[0] == "/company":
        body = single(connection, who, int(path[2]), base)
    elif path[0] == "/sql":
        body = limit_json.page(connection, who, base, query)
    else:
        body = page(connection, who, dict(parse_qsl(query)), base, query)
    status = "200 OK" if body else "404 Not Found"
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
