"""The SQL by which changes of what rights are about are noted: of the security columns of records, and of grants.

``totals`` brings a remembered total up to date with it (docs/adr/0032). Only migrations run it. What is noted is of no
use after some minutes and is taken away after a day, by those who note more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HOURS = 24  # how long what is noted stays: longer than any transaction and much longer than totals are remembered

# ``before`` and ``after`` = the security columns of a live row (territory, assigned, team, creator), NULL for none;
# a row without key and holder says that anything may have changed. ``xid`` tells who has seen what.
TABLE = f"""
CREATE TABLE security_rowchange (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    kind text NOT NULL,
    key integer,
    before integer[],
    after integer[],
    user_id integer,
    group_id integer
);
CREATE INDEX security_rowchange_ix ON security_rowchange (kind, xid);
CREATE FUNCTION security_rowchange_swept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.01 THEN
        DELETE FROM security_rowchange WHERE id IN (SELECT id FROM security_rowchange
            WHERE id <= (SELECT min(id) + 5000 FROM security_rowchange) AND at < now() - interval '{HOURS} hours'
            FOR UPDATE SKIP LOCKED);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER swept AFTER INSERT ON security_rowchange FOR EACH STATEMENT EXECUTE FUNCTION security_rowchange_swept();
"""
UNDO = "DROP FUNCTION security_rowchange_swept() CASCADE; DROP TABLE security_rowchange CASCADE;"


def watched(kind: str, table: str, columns: Sequence[str], ordered: Sequence[str] = ()) -> str:
    """Return the SQL that notes what changes in ``table`` and in its tables of grants.

    ``columns`` = those of the territory, of whom a row is assigned to, of the team and of who created it; a column that
    the kind lacks is ``NULL``. ``ordered`` = further columns whose changes are noted, for lists in their order
    (``shortlists``); the trigger's arguments tell which.
    """
    name = f"{table}_noted"
    was, becomes = (_columns(row, columns) for row in ("OLD", "NEW"))
    each = _columns("r", columns)
    differs = f"({was}, OLD.deleted_at IS NULL) IS DISTINCT FROM ({becomes}, NEW.deleted_at IS NULL)"
    also = "".join(f" OR OLD.{column} IS DISTINCT FROM NEW.{column}" for column in ordered)
    named = ", ".join(f"'{column}'" for column in ordered)
    noted = "INSERT INTO security_rowchange (kind, key, before, after)"
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        {noted} SELECT '{kind}', r.id, NULL, {each} FROM changed r WHERE r.deleted_at IS NULL;
    ELSIF TG_OP = 'DELETE' THEN
        {noted} SELECT '{kind}', r.id, {each}, NULL FROM changed r WHERE r.deleted_at IS NULL;
    ELSIF TG_OP = 'UPDATE' THEN
        {noted} VALUES ('{kind}', NEW.id, CASE WHEN OLD.deleted_at IS NULL THEN {was} END,
            CASE WHEN NEW.deleted_at IS NULL THEN {becomes} END);
    ELSE
        INSERT INTO security_rowchange (kind) VALUES ('{kind}');
    END IF;
    RETURN NULL;
END $$;
{_triggers(table, name)}
CREATE TRIGGER {name}_updated AFTER UPDATE ON {table} FOR EACH ROW WHEN ({differs} OR OLD.id <> NEW.id{also})
    EXECUTE FUNCTION {name}({named});
{_grants(kind, f"{table}usergrant", "user_id")}
{_grants(kind, f"{table}groupgrant", "group_id")}
"""


def unwatched(table: str) -> str:
    """Return the SQL that takes away what ``watched`` makes."""
    names = (table, f"{table}usergrant", f"{table}groupgrant")
    return " ".join(f"DROP FUNCTION {name}_noted() CASCADE;" for name in names)


def _columns(row: str, columns: Sequence[str]) -> str:
    return f"ARRAY[{', '.join(name if name == 'NULL' else f'{row}.{name}' for name in columns)}]::integer[]"


def _triggers(table: str, function: str) -> str:
    return f"""
CREATE TRIGGER {function}_inserted AFTER INSERT ON {table} REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER {function}_deleted AFTER DELETE ON {table} REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION {function}();
CREATE TRIGGER {function}_truncated AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {function}();
"""


def _grants(kind: str, table: str, holder: str) -> str:
    """Return the SQL that notes whose grants change."""
    name = f"{table}_noted"
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        INSERT INTO security_rowchange (kind, {holder}) VALUES ('{kind}', OLD.{holder}), ('{kind}', NEW.{holder});
    ELSIF TG_OP = 'TRUNCATE' THEN
        INSERT INTO security_rowchange (kind) VALUES ('{kind}');
    ELSE
        INSERT INTO security_rowchange (kind, {holder}) SELECT DISTINCT '{kind}', {holder} FROM changed;
    END IF;
    RETURN NULL;
END $$;
{_triggers(table, name)}
CREATE TRIGGER {name}_updated AFTER UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION {name}();
"""
