"""PostgreSQL's row-level security, generated from the registry: a second lock behind the gate's own predicate.

``put_in_place`` is for the owner of the tables; what it makes:

- the role ``<database>_app``, for the application: it owns nothing, and reads the tables of records under a policy;
- the role ``<database>_rules`` and the schema ``unfiltered``: views of the same names, through which business rules,
  log-in and writes reach every row;
- ``unfiltered.enter``, which works out whom the policies are about: territories, teams and scopes, in SQL and from the
  stored rights, not from the compiled plan. Two implementations have to agree before a row is shown.

See docs/adr/0026. PostgreSQL: Row Security Policies, CREATE POLICY.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Permission
from django.db import connections, transaction
from psycopg import sql

from entities.registry import ByField, ByLink, ByOwner, ByReference, Entity, app_label, permission, registry, table_name
from security.grants import GRANTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from entities.declaration import Parent

OPEN, LOCKED, SEEN = "unfiltered", "public", "seen"
SCOPES = ("everywhere", "created_by", "assigned", "team", "territories")
SEE, HOLD, RULE = "row_seen", "row_held", "row_ruled"
_aside: set[str] = set()


def tables() -> dict[str, list[Entity]]:
    """Return the tables of records with the kinds that are served from them, that of the table itself first."""
    found: dict[str, list[Entity]] = {}
    for entity in sorted(registry(), key=lambda entity: entity.proxy):
        found.setdefault(table_name(entity.model), []).append(entity)
    return {table: kinds for table, kinds in found.items() if not kinds[0].proxy}


def relation_of(entity: Entity) -> tuple[str, str]:
    """Return (schema, name) of what the rows of ``entity`` are read from under the lock."""
    table = table_name(entity.model)
    served = tables().get(table)
    narrower = not served or (entity.parents and entity.parents != served[0].parents)
    return (SEEN, entity.kind.lower()) if narrower else (LOCKED, table)


def condition(kinds: list[Entity]) -> str:
    """Return the policy of a table whose rows are served as the ``kinds``; views narrow it, if at all."""
    entity = kinds[0]
    known = ", ".join(f"'{kind.kind.lower()}'" for kind in kinds)
    lives = f"deleted_at IS NULL AND (SELECT {OPEN}.told('kinds') && ARRAY[{known}])"
    if not entity.parents:
        return f"{lives} AND ({_own(entity)})"
    ways = [way for parent in entity.parents for way in _through(entity, parent)]
    return f"{lives} AND ({' OR '.join(ways)})"


def _own(entity: Entity) -> str:
    """Return what rights and grants of the kind itself let somebody view."""
    columns = {"created_by": "created_by_id"}
    if entity.assigned:
        columns["assigned"] = f"{entity.assigned}_id"
    if entity.has_team:
        columns["team"] = "team_id"
    if entity.has_territory:
        columns["territories"] = "territory_id"
    held = {scope: f"{OPEN}.held('{entity.kind.lower()}', '{scope}')" for scope in SCOPES}
    ways = [f"(SELECT {held['everywhere']} IS NOT NULL)"]
    ways += [f"{column} = ANY ((SELECT {held[scope]})::int[])" for scope, column in columns.items()]
    view = Permission.objects.get(content_type__app_label=app_label(entity), codename=permission(entity, "view")).pk
    for table, holder in zip(GRANTS[entity.kind], ("user", "group"), strict=True):
        row, holders = f"g.content_object_id = {table_name(entity.model)}.id", f"(SELECT {OPEN}.told('{holder}s'))"
        ways.append(
            f"EXISTS (SELECT FROM {LOCKED}.{table_name(table)} g"
            f" WHERE {row} AND g.permission_id = {view} AND g.{holder}_id = ANY ({holders}::int[]))"
        )
    return " OR ".join(ways)


def _through(entity: Entity, parent: Parent) -> Iterator[str]:
    """Yield the ways on which a row of a child kind is seen: through what its parents' own policies let be seen."""
    own = table_name(entity.model)

    def seen(kind: str, where: str) -> str:
        return f"EXISTS (SELECT FROM {LOCKED}.{table_name(registry()[kind].model)} p WHERE {where})"

    match parent:
        case ByReference(field):
            reference = entity.by_name[field]
            yield seen(reference.target, f"p.id = {own}.{reference.column}")
        case ByOwner(kinds):
            for kind in kinds:
                of_kind = f"{own}.owner_table = {registry()[kind].table_id}"
                yield f"{of_kind} AND {seen(kind, f'p.id = {own}.owner_id')}"
        case ByLink(kind, field):
            link = f"{field}_id = {own}.id"
            yield seen(kind, f"p.{link}")
            every = f"{OPEN}.{table_name(registry()[kind].model)}"
            unlinked = f"NOT EXISTS (SELECT FROM {every} p WHERE p.{link} AND p.deleted_at IS NULL)"
            yield f"{own}.created_by_id = ANY ((SELECT {OPEN}.told('users'))::int[]) AND {unlinked}"
        case ByField(column):
            yield f"{column} = ANY ((SELECT {OPEN}.told('fields'))::text[])"


def _functions() -> Iterator[str]:
    """Yield the functions that tell the policies whom they are about."""
    names = ", ".join(f"('{name}', '{kind.lower()}')" for name, kind in sorted(registry().names.items()))
    own = ", ".join(f"'{entity.kind.lower()}'" for entity in registry() if entity.has_own_rights)
    yield (
        f"CREATE FUNCTION {OPEN}.told(what text) RETURNS text[] LANGUAGE sql STABLE PARALLEL SAFE"
        " RETURN nullif(current_setting('parapet.' || what, true), '')::text[]"
    )
    yield (
        f"CREATE FUNCTION {OPEN}.held(kind text, scope text) RETURNS int[] LANGUAGE sql STABLE PARALLEL SAFE"
        " RETURN nullif(current_setting('parapet.' || kind || '_' || scope, true), '')::int[]"
    )
    yield ENTER.format(open=OPEN, locked=LOCKED, names=names, own=own, scopes=", ".join(f"'{s}'" for s in SCOPES))


# Who sees what is worked out from the stored policy, as security.plan does it in Python (docs/security.md).
ENTER = """
CREATE FUNCTION {open}.enter(reader int, kinds text[], fields text[], in_transaction boolean) RETURNS void
LANGUAGE plpgsql SET search_path = {open}, {locked} AS $$
DECLARE
    who record;
    profiles int[];
    teams int[];
BEGIN
    IF NOT row_security_active('{locked}.entities_company') THEN
        RAISE EXCEPTION 'row-level security does not bind the role %: it must own nothing', current_user;
    END IF;
    SELECT u.id, u.is_superuser, u.primary_team_id, h.id AS home, h.number, h.number_end, h.parent_id INTO who
        FROM entities_user u LEFT JOIN entities_territory h ON h.id = u.home_territory_id AND h.deleted_at IS NULL
        WHERE u.id = reader AND u.deleted_at IS NULL;
    profiles := ARRAY(SELECT p.group_id FROM security_profile p JOIN entities_user_groups m USING (group_id)
        WHERE m.user_id = who.id);
    teams := ARRAY(SELECT team_id FROM entities_user_teams WHERE user_id = who.id
        UNION SELECT who.primary_team_id WHERE who.primary_team_id IS NOT NULL);
    PERFORM set_config('parapet.users', coalesce(ARRAY[who.id]::text, ''), in_transaction),
        set_config('parapet.groups', profiles::text, in_transaction),
        set_config('parapet.kinds', kinds::text, in_transaction),
        set_config('parapet.fields', fields::text, in_transaction);
    PERFORM set_config('parapet.' || k.kind || '_' || s.scope, coalesce(r.ids::text, ''), in_transaction)
    FROM unnest(ARRAY[{own}]) k (kind) CROSS JOIN unnest(ARRAY[{scopes}]) s (scope) LEFT JOIN (
        SELECT kind, scope, array_agg(id) AS ids FROM (
            SELECT k.kind, 'everywhere' AS scope, 1 AS id FROM unnest(ARRAY[{own}]) k (kind) WHERE who.is_superuser
            UNION
            SELECT n.kind, g.scope, g.id
            FROM security_profileright r JOIN (VALUES {names}) n (name, kind) ON n.name = lower(r.entity)
            CROSS JOIN LATERAL (
                SELECT 'everywhere' AS scope, 1 AS id WHERE r.scope = 'everywhere'
                UNION ALL SELECT r.scope, who.id WHERE r.scope IN ('created_by', 'assigned')
                UNION ALL SELECT 'team', unnest(teams) WHERE r.scope = 'team'
                UNION ALL SELECT 'territories', who.parent_id WHERE r.scope = 'parent' AND who.parent_id IS NOT NULL
                UNION ALL SELECT 'territories', t.id FROM entities_territory t
                    JOIN entities_territory root ON root.deleted_at IS NULL AND CASE r.scope
                        WHEN 'home' THEN root.id = who.home
                        WHEN 'territory' THEN root.id = r.territory_id
                        WHEN 'siblings' THEN root.parent_id = who.parent_id AND root.id <> who.home
                        ELSE false END
                    WHERE t.deleted_at IS NULL AND (t.id = root.id OR (r.with_subtree OR r.scope <> 'territory')
                        AND t.number BETWEEN root.number AND root.number_end)
            ) g
            WHERE r.view AND r.profile_id = ANY (profiles)
        ) reach GROUP BY kind, scope
    ) r USING (kind, scope);
END $$
"""


def roles(database: str) -> tuple[str, str]:
    """Return the names of the application's role and of the rules' for a database; PostgreSQL cuts at 63 bytes."""
    return f"{database[:50]}_app", f"{database[:50]}_rules"


def put_in_place(using: str = "default") -> str:
    """Lock the tables of records, or renew their policies; return the name of the role that the application takes.

    For the owner of the tables, who may create roles or finds both there. Raises ``DatabaseError`` where they may not.
    """
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        cursor.execute("SELECT current_database()")
        app, rules = roles(cursor.fetchone()[0])
        _remove(cursor.execute)
        _make_roles(cursor.execute, app, rules)
        for statement in (*_granted(app, rules), *_functions(), *_views(app, rules), *_policies(app, rules)):
            cursor.execute(statement)
        cursor.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {OPEN} TO {_name(app)}, {_name(rules)}")
    return app


def take_away(using: str = "default") -> None:
    """Unlock the tables again; the roles stay."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        _remove(cursor.execute)


def is_in_place(using: str = "default") -> bool:
    """Whether the lock stands in the database."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT to_regnamespace(%s) IS NOT NULL", [OPEN])
        return bool(cursor.fetchone()[0])


def set_aside(using: str = "default", plan: object = (), **_: Any) -> None:
    """Take the lock away before migrations change what its views show; until it is renewed, the application is shut."""
    if plan and is_in_place(using):
        take_away(using)
        _aside.add(using)


def renew(using: str = "default", **_: Any) -> None:
    """Put the lock back after the migrations, those of new kinds included."""
    if using in _aside:
        put_in_place(using)
        _aside.discard(using)


def _name(role: str) -> str:
    return sql.Identifier(role).as_string(None)


def _remove(execute: Callable[[str], object]) -> None:
    execute(f"DROP SCHEMA IF EXISTS {OPEN} CASCADE")  # the policies call its functions, and go with them
    execute(f"DROP SCHEMA IF EXISTS {SEEN} CASCADE")
    for table in tables():
        for policy in (SEE, HOLD, RULE):
            execute(f"DROP POLICY IF EXISTS {policy} ON {LOCKED}.{table}")
        execute(f"ALTER TABLE {LOCKED}.{table} DISABLE ROW LEVEL SECURITY")


def _make_roles(execute: Callable[[str], object], app: str, rules: str) -> None:
    for role in (app, rules):
        missing = f"to_regrole({_literal(_name(role))}) IS NULL"
        execute(f"DO $$ BEGIN IF {missing} THEN CREATE ROLE {_name(role)} NOLOGIN; END IF; END $$")
    stranger = f"NOT pg_has_role({_literal(rules)}, 'member')"
    execute(f"DO $$ BEGIN IF {stranger} THEN GRANT {_name(rules)} TO CURRENT_USER; END IF; END $$")


def _literal(text: str) -> str:
    return sql.Literal(text).as_string(None)


def _granted(app: str, rules: str) -> Iterator[str]:
    """Yield who may use what: the application all but the tables of records, of which it may read and lock rows."""
    a, r = _name(app), _name(rules)
    yield f"CREATE SCHEMA {OPEN}"
    yield f"CREATE SCHEMA {SEEN}"
    yield f"GRANT USAGE, CREATE ON SCHEMA {OPEN}, {SEEN} TO {r}"
    yield f"GRANT USAGE ON SCHEMA {LOCKED} TO {a}, {r}"
    yield f"GRANT USAGE ON SCHEMA {OPEN}, {SEEN} TO {a}"
    yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {LOCKED} TO {a}, {r}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {LOCKED} TO {a}, {r}"
    yield f"REVOKE INSERT, UPDATE, DELETE ON {LOCKED}.django_migrations FROM {a}"
    for table in tables():
        yield f"REVOKE ALL ON {LOCKED}.{table} FROM {a}"
        yield f"GRANT SELECT, UPDATE (id) ON {LOCKED}.{table} TO {a}"  # SELECT FOR UPDATE asks for UPDATE of a column


def _views(app: str, rules: str) -> Iterator[str]:
    """Yield the views of every row, which are the rules' role's, and of kinds narrower than what they are read from."""
    for table in tables():
        yield f"CREATE VIEW {OPEN}.{table} AS SELECT * FROM {LOCKED}.{table}"
        yield f"ALTER VIEW {OPEN}.{table} OWNER TO {_name(rules)}"
        yield f"GRANT SELECT, INSERT, UPDATE, DELETE ON {OPEN}.{table} TO {_name(app)}"
    for entity in registry():
        schema, name = relation_of(entity)
        if schema == SEEN:
            ways = [way for parent in entity.parents for way in _through(entity, parent)]
            yield (
                f"CREATE VIEW {schema}.{name} WITH (security_barrier, security_invoker) AS SELECT *"
                f" FROM {LOCKED}.{table_name(entity.model)} WHERE {' OR '.join(ways)}"
            )
            yield f"GRANT SELECT ON {schema}.{name} TO {_name(app)}"


def _policies(app: str, rules: str) -> Iterator[str]:
    """Yield the policies: what is seen, that what is seen may be locked and not written, and the rules' own."""
    for table, kinds in tables().items():
        where = condition(kinds)
        yield f"ALTER TABLE {LOCKED}.{table} ENABLE ROW LEVEL SECURITY"
        yield f"CREATE POLICY {SEE} ON {LOCKED}.{table} FOR SELECT TO {_name(app)} USING ({where})"
        yield f"CREATE POLICY {HOLD} ON {LOCKED}.{table} FOR UPDATE TO {_name(app)} USING (true) WITH CHECK (false)"
        yield f"CREATE POLICY {RULE} ON {LOCKED}.{table} TO {_name(rules)} USING (true) WITH CHECK (true)"
