"""Who holds at least one grant of which permission: a summary of the tables of grants, kept by triggers (ADR 33).

Every request asks it; thirty tables of grants would answer the same, in three times the time. Only migrations run the
SQL. A kind without these triggers is looked up in its own tables (``grants.granted_statement``).

Whoever gives a grant holds the summary's row of its holder and permission until the end of the transaction, together
with others who do; whoever takes one away holds it alone, and then looks whether others are left. So neither can miss
what the other has not committed yet.
"""

from __future__ import annotations

from django.db import connection, transaction

from entities.registry import registry, table_name

TABLE = """
CREATE TABLE security_holder (
    kind text NOT NULL,
    permission_id integer NOT NULL,
    user_id integer,
    group_id integer,
    CHECK (num_nonnulls(user_id, group_id) = 1)
);
CREATE UNIQUE INDEX security_holder_user ON security_holder (user_id, permission_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX security_holder_group ON security_holder (group_id, permission_id) WHERE group_id IS NOT NULL;
"""
UNDO = "DROP TABLE security_holder;"
HOLDERS = {"usergrant": "user_id", "groupgrant": "group_id"}  # the column of the holder in each of a kind's tables


def summarised(kind: str, table: str) -> str:
    """Return the SQL that keeps the summary of the tables of grants of ``kind``, whose records stand in ``table``."""
    return "".join(_kept(kind, table + suffix, holder) for suffix, holder in HOLDERS.items())


def unsummarised(kind: str, table: str) -> str:
    """Return the SQL that takes away what ``summarised`` makes."""
    gone = " ".join(f"DROP FUNCTION {table}{suffix}_summarised() CASCADE;" for suffix in HOLDERS)
    return f"{gone} DELETE FROM security_holder WHERE kind = '{kind}';"


def _kept(kind: str, table: str, holder: str) -> str:
    name = f"{table}_summarised"
    pairs = _pairs(holder)
    same = f"h.{holder} = c.holder AND h.permission_id = c.permission"
    left = f"SELECT FROM {table} g WHERE g.{holder} = h.{holder} AND g.permission_id = h.permission_id"
    stored = _stored(kind, holder)
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    missing bigint;
BEGIN
    IF TG_OP = 'TRUNCATE' THEN
        DELETE FROM security_holder WHERE kind = '{kind}' AND {holder} IS NOT NULL;
        RETURN NULL;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        LOOP
            {stored} FROM ({pairs} given) c ORDER BY 2, 3 ON CONFLICT DO NOTHING;
            -- A row that somebody was taking away meanwhile is stored again.
            SELECT count(*) INTO missing FROM ({pairs} given) c WHERE NOT EXISTS (
                SELECT FROM security_holder h WHERE {same} FOR KEY SHARE OF h);
            EXIT WHEN missing = 0;
        END LOOP;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        IF current_setting('transaction_isolation') NOT LIKE 'read %' AND EXISTS (SELECT FROM taken) THEN
            RAISE 'grants are taken away under READ COMMITTED: others could be overlooked' USING ERRCODE = '0A000';
        END IF;
        PERFORM FROM security_holder h JOIN ({pairs} taken) c ON {same} ORDER BY c.holder, c.permission FOR UPDATE OF h;
        DELETE FROM security_holder h USING ({pairs} taken) c WHERE {same} AND NOT EXISTS ({left});
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER summarised_inserted AFTER INSERT ON {table} REFERENCING NEW TABLE AS given
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
CREATE TRIGGER summarised_updated AFTER UPDATE ON {table} REFERENCING NEW TABLE AS given OLD TABLE AS taken
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
CREATE TRIGGER summarised_deleted AFTER DELETE ON {table} REFERENCING OLD TABLE AS taken
    FOR EACH STATEMENT EXECUTE FUNCTION {name}();
CREATE TRIGGER summarised_truncated AFTER TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}();
{stored} FROM ({pairs} {table}) c;
"""


def _pairs(holder: str) -> str:
    return f"SELECT DISTINCT {holder} AS holder, permission_id AS permission FROM"


def _stored(kind: str, holder: str) -> str:
    return f"INSERT INTO security_holder (kind, {holder}, permission_id) SELECT '{kind}', c.holder, c.permission"


def summarise_anew() -> None:
    """Make the summary anew, after grants were written while triggers were off, as nobody but a bulk load does."""
    names = summarised_tables()
    tables = [(entity.kind, table_name(entity.model)) for entity in registry() if entity.has_own_rights]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE security_holder; DELETE FROM security_holder")
        for kind, table in tables:
            for suffix, holder in HOLDERS.items():
                if table + suffix in names:
                    cursor.execute(f"{_stored(kind, holder)} FROM ({_pairs(holder)} {table}{suffix}) c")


def summarised_tables() -> frozenset[str]:
    """Return the names of the tables of grants that the summary holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname = 'summarised_inserted' AND t.tgenabled <> 'D'"
        )
        return frozenset(name for (name,) in cursor.fetchall())
