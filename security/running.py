"""Running texts that are run again and again: planned once for each kept connection, and sent by libpq itself.

psycopg's cursor takes 0.05 ms to run one, which is as much as PostgreSQL takes to find a record by its key
(docs/adr/0039). So it is used only where somebody watches statements, and for what is run for the first time.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format, TransactionStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.pq.abc import PGresult

    Row = tuple[Any, ...]

KEPT = 100  # texts that are prepared on a connection, and as many that were met: what is run once is not prepared
PLACE = re.compile("%[s%]")  # of a value in a text, or a percent sign
_GONE = "26000", "0A000"  # a prepared statement that is not there, or whose columns are other ones by now
_numbers = count(1)


@dataclass(frozen=True)
class _Kept:
    """What is known of the texts of one connection, the last used last: those met once, and the names of prepared ones.

    Apart, for what is run once would otherwise drive out what is run all the time.
    """

    met: OrderedDict[str, None] = field(default_factory=OrderedDict)
    names: OrderedDict[str, bytes] = field(default_factory=OrderedDict)


_kept: WeakKeyDictionary[psycopg.Connection[Any], _Kept] = WeakKeyDictionary()


def run(sql: str, values: Sequence[Any] = ()) -> list[Row]:
    """Run a text with ``%s`` for each of the ``values`` on Django's connection; return the rows, if there are any.

    The values go to the server apart from the text: each needs a type there (``%s::int``). Raises Django's errors.
    """
    wrapper: Any = connections[DEFAULT_DB_ALIAS]
    wrapper.ensure_connection()
    raw: psycopg.Connection[Any] = wrapper.connection
    if _is_watched(wrapper) or not _keeps_plans(wrapper) or not _has_begun(raw):
        return _by_cursor(wrapper, sql, values)
    with wrapper.wrap_database_errors:
        name = _prepared(raw, sql)
        return _by_libpq(raw, sql, name, values) if name else _by_cursor(wrapper, sql, values)


def _is_watched(wrapper: Any) -> bool:
    """Whether every statement is to pass Django: the second lock, a log, or the end of a broken transaction."""
    return bool(wrapper.execute_wrappers or wrapper.queries_logged or wrapper.needs_rollback)


def _keeps_plans(wrapper: Any) -> bool:
    """Whether the connection is one of ``crm.settings.planned_once``; a pooler may hand others to somebody else."""
    return "plan_cache_mode" in wrapper.settings_dict["OPTIONS"].get("options", "")


def _has_begun(raw: psycopg.Connection[Any]) -> bool:
    """Whether psycopg need not begin a transaction first."""
    return raw.autocommit or raw.pgconn.transaction_status == TransactionStatus.INTRANS


def _prepared(raw: psycopg.Connection[Any], sql: str) -> bytes | None:
    """Return by which name the text is prepared, which it is when it is met again; None for the first time."""
    kept = _kept.setdefault(raw, _Kept())
    if name := kept.names.get(sql):
        kept.names.move_to_end(sql)
        return name
    if sql not in kept.met:
        kept.met[sql] = None
        if len(kept.met) > KEPT:
            kept.met.popitem(last=False)
        return None
    name = b"kept_%d" % next(_numbers)
    _checked(raw, raw.pgconn.prepare(name, _numbered(sql).encode()))
    del kept.met[sql]
    kept.names[sql] = name
    if len(kept.names) > KEPT:
        _checked(raw, raw.pgconn.close_prepared(kept.names.popitem(last=False)[1]))
    return name


def _by_libpq(raw: psycopg.Connection[Any], sql: str, name: bytes, values: Sequence[Any]) -> list[Row]:
    own = Transformer(raw)
    given: Any = own.dump_sequence(values, [PyFormat.TEXT] * len(values)) if values else None
    result = raw.pgconn.exec_prepared(name, given, None, Format.BINARY)
    try:
        _checked(raw, result)
    except psycopg.DatabaseError as error:
        if error.sqlstate not in _GONE or _kept[raw].names.pop(sql, None) is None:
            raise
        raw.pgconn.close_prepared(name)
        if raw.pgconn.transaction_status != TransactionStatus.IDLE:  # it is broken, and the caller's
            raise
        return run(sql, values)
    own.set_pgresult(result)
    return own.load_rows(0, result.ntuples, tuple)


def _checked(raw: psycopg.Connection[Any], result: PGresult) -> None:
    """Raise psycopg's error for a result that is none: ``OperationalError`` where the connection is lost."""
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return
    if raw.pgconn.status != ConnStatus.OK:  # of which libpq makes an error without any code
        raise psycopg.OperationalError(result.get_error_message())
    raise error_from_result(result)


class _Cursor(psycopg.RawCursor[Any]):
    """A cursor for texts that are kept: psycopg would look for their places anew each time, for they are long."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> _Cursor:
        """Run a text with ``%s`` for each of the ``params``."""
        return super().execute(_numbered(query), params or None, **options)

    def _send_query_prepared(self, name: bytes, pgq: Any, *, binary: bool | None = None) -> None:
        self._query = pgq  # the text, which Django's log of statements would lack where the name alone is sent
        super()._send_query_prepared(name, pgq, binary=binary)


def _by_cursor(wrapper: Any, sql: str, values: Sequence[Any]) -> list[Row]:
    own = _Cursor(wrapper.connection)
    own.format = Format.BINARY
    with closing(wrapper._prepare_cursor(own)) as cursor:  # Django's own cursors put values into the text
        cursor.execute(sql, list(values))
        return cursor.fetchall() if cursor.description is not None else []


@lru_cache(maxsize=256)
def _numbered(sql: str) -> str:
    """Return ``sql`` with its places as PostgreSQL writes them: numbered."""
    numbers = count(1)
    return PLACE.sub(lambda match: "%" if match[0] == "%%" else f"${next(numbers)}", sql)
