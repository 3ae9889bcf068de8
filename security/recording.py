"""Recording every change of policy, by triggers: who, when, from what to what.

The function stands in a migration; the tables get their triggers after every migration, so that the tables of grants
which apps of ISVs bring along are recorded, too. Who acts is told to the database for the length of a transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection, connections

from entities.registry import table_name
from security.grants import GRANTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from entities.registry import Entity

ACTOR = "parapet.actor"
# Of an account only what rights depend on: no password, no address, not when somebody logged in.
USER_COLUMNS = (
    "id, logon, first_name, last_name, language, primary_team_id, home_territory_id, disabled, resource, is_template,"
    " web_service_enabled, is_superuser, is_staff, deleted_at"
)
# Table → its key, and the columns that are recorded (none = all).
TABLES = {
    "security_profile": ("group_id", ""),
    "security_profileright": ("id", ""),
    "security_fieldrule": ("id", ""),
    "security_externalaccess": ("id", ""),
    "security_invariant": ("id", ""),
    "auth_group": ("id", ""),
    "entities_user_groups": ("id", ""),
    "entities_user_teams": ("id", ""),
    "entities_team": ("id", ""),
    "entities_territory": ("id", ""),
    "entities_user": ("id", USER_COLUMNS),
}


def triggers(tables: Iterable[tuple[str, str, str]]) -> str:
    """Return the statements that record the changes of ``tables``, given as (table, key, recorded columns)."""
    return "".join(
        f"""
CREATE OR REPLACE TRIGGER policy_made AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION security_policy_recorded('{key}', '{columns}');
CREATE OR REPLACE TRIGGER policy_edited AFTER UPDATE ON {table} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION security_policy_recorded('{key}', '{columns}');
CREATE OR REPLACE TRIGGER policy_removed AFTER DELETE ON {table} REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION security_policy_recorded('{key}', '{columns}');
CREATE OR REPLACE TRIGGER policy_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION security_policy_recorded('{key}', '{columns}');"""
        for table, key, columns in tables
    )


def record(using: str = "default", **_: Any) -> None:
    """See to it that every table of policy is recorded, grants of other apps as well; called after every migration."""
    tables = [(name, *told) for name, told in TABLES.items()]
    tables += [(table_name(table), "id", "") for pair in GRANTS.values() for table in pair]
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regproc('security_policy_recorded')")
        if cursor.fetchone() == (None,):
            return  # migrated back to before
        existing = set(connections[using].introspection.table_names(cursor))
        cursor.execute(triggers(table for table in tables if table[0] in existing))


def is_policy(entity: Entity) -> bool:
    """Whether records of the kind are policy: users, territories, teams."""
    return table_name(entity.model) in TABLES


def acting(user: int) -> None:
    """Tell the database who changes policy, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [ACTOR, str(user)])


def begin_again() -> None:
    """Forget the history of policy: it begins now, with a world that was emptied."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE security_policychange RESTART IDENTITY")
        cursor.execute(
            'INSERT INTO security_policychange ("table", key, at, role)'
            " VALUES ('', 0, clock_timestamp(), session_user)"
        )
