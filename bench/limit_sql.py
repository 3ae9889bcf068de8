"""The statements of the bare application, written by hand for one caller: the same predicate and columns as ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psycopg

# What things cost, in rows passed while walking an index: a row found by its key, and a grant put into a hash.
LOOKUP, HASHED = 1.6, 0.25
PAGE = 101

# Wire name → SQL, in the order of our entries.
COLUMNS = {
    "Comp_CompanyId": "c.id",
    "Comp_Name": "NULLIF(c.name, '')",
    "Comp_Type": "NULLIF(c.type, '')",
    "Comp_Status": "NULLIF(c.status, '')",
    "Comp_Source": "NULLIF(c.source, '')",
    "Comp_Revenue": "NULLIF(c.revenue, '')",
    "Comp_Employees": "NULLIF(c.employees, '')",
    "Comp_Sector": "NULLIF(c.sector, '')",
    "Comp_IndCode": "NULLIF(c.ind_code, '')",
    "Comp_Territory": "NULLIF(c.sales_region, '')",
    "Comp_WebSite": "NULLIF(c.web_site, '')",
    "Comp_PrimaryPersonId": "p.id",
    "Comp_PrimaryAddressId": "a.id",
    "Comp_PrimaryUserId": "u.id",
    "Comp_ChannelId": "t.id",
    "Comp_SecTerr": "r.id",
    "Comp_MailRestriction": "c.mail_restriction",
    "Comp_OptOut": "c.opt_out",
    "Comp_Promote": "c.promote",
    "Comp_SegmentId": "c.segment_id",
    "Comp_IntId": "c.int_id",
    "Comp_LibraryDir": "NULLIF(c.library_dir, '')",
    "Comp_IntegratedSystems": "NULLIF(c.integrated_systems, '')",
    "Comp_IntForeignId": "NULLIF(c.int_foreign_id, '')",
    "Comp_IntLastSyncDate": "c.int_last_sync_date",
    "Comp_UploadDate": "c.upload_date",
    "Comp_WorkflowId": "c.workflow_id",
    "Comp_CreatedBy": "cu.id",
    "Comp_CreatedDate": "c.created_at",
    "Comp_UpdatedBy": "uu.id",
    "Comp_UpdatedDate": "c.updated_at",
}
TITLES = (
    "CONCAT_WS(' ', NULLIF(p.first_name, ''), NULLIF(p.last_name, ''))",
    "CONCAT_WS(', ', NULLIF(a.address1, ''), NULLIF(a.city, ''))",
    "CONCAT_WS(' ', NULLIF(u.first_name, ''), NULLIF(u.last_name, ''))",
    "t.description",
    "r.caption",
)
# Order → the sort expressions, and the condition of what lies beyond a cursor.
ORDERS = {
    "name": ('lower({0}.name) COLLATE "C" ASC, {0}.id ASC', '(lower({0}.name) COLLATE "C", {0}.id) > (%s, %s)'),
    "id": ("{0}.id ASC", "{0}.id > %s"),
    "-updated_at": ("{0}.updated_at DESC NULLS LAST, {0}.id DESC", "({0}.updated_at, {0}.id) < (%s, %s)"),
}


@dataclass(frozen=True)
class Grants:
    """One table of grants: the holders of the caller's, as a condition, and how many of them there are."""

    table: str
    held: str
    count: int

    @property
    def keys(self) -> str:
        """The statement of the keys of all that is granted."""
        return f"SELECT content_object_id FROM {self.table} WHERE {self.held}"

    def listed(self, alias: str) -> str:
        """Return the condition on a row for statements that ask it of many: the keys are read once."""
        return f"{alias}.id IN ({self.keys})"

    def probed(self, alias: str) -> str:
        """Return the condition on a row for statements that ask it of few: one look into the index for each."""
        # a scalar sub-query, for PostgreSQL may read all keys for an EXISTS
        return f"coalesce(({self.keys} AND content_object_id = {alias}.id LIMIT 1) > 0, FALSE)"


@dataclass(frozen=True)
class Caller:
    """What one user may see: conditions on a table alias, grants, the fields that are hidden; and how much it is."""

    key: int
    sources: tuple[str, ...]
    grants: tuple[Grants, ...]
    hidden: frozenset[str]
    everything: bool
    seen: int = 0
    rows: int = 1

    @property
    def few(self) -> bool:
        """Whether looking up all that the caller sees is less work than walking an order until a page is full."""
        return not self.everything and self.seen * LOOKUP < self.walked

    @property
    def walked(self) -> float:
        """How many rows a walk passes until a page is full."""
        return PAGE * self.rows / max(1, self.seen)

    def sees(self, alias: str, *, granted: bool = True, many: bool = False) -> str:
        """Return the condition that the row ``alias`` is visible; ``many`` = it is asked of all rows of a walk."""
        if self.everything:
            return "TRUE"
        found = [source.format(alias) for source in self.sources]
        for grants in self.grants if granted else ():
            hashed = many and grants.count * HASHED < self.walked
            found.append(grants.listed(alias) if hashed else grants.probed(alias))
        return "(" + (" OR ".join(found) or "FALSE") + ")"

    def found(self, alias: str) -> str:
        """Return the same condition in the form that one index after the other can answer, without a walk."""
        sources = [source.format(alias) for source in self.sources]
        return " OR ".join([*sources, *(f"{alias}.id = ANY (ARRAY({grants.keys}))" for grants in self.grants)])

    @property
    def columns(self) -> dict[str, str]:
        """The columns that are shown."""
        return {name: sql for name, sql in COLUMNS.items() if name not in self.hidden}


def caller(connection: psycopg.Connection[Any], logon: str) -> Caller:
    """Read what ``logon`` may see; the bare application does so once in each of its processes."""

    def read(sql: str, *values: Any) -> Any:
        return connection.execute(sql, values).fetchone()[0]  # type: ignore[index]  # an aggregate has a row

    key = read("SELECT id FROM entities_user WHERE lower(logon) = %s", logon)
    groups = "SELECT group_id FROM entities_user_groups WHERE user_id = %s"
    scopes = read(
        "SELECT array_agg(scope) FROM security_profileright"
        f" WHERE entity = 'Company' AND view AND profile_id IN ({groups})",
        key,
    )
    everything = read("SELECT is_superuser FROM entities_user WHERE id = %s", key) or "everywhere" in (scopes or ())
    territories = read(
        "SELECT string_agg(t.id::text, ',') FROM entities_territory t, entities_territory h, entities_user u"
        " WHERE u.id = %s AND h.id = u.home_territory_id AND t.number BETWEEN h.number AND h.number_end",
        key,
    )
    teams = read("SELECT string_agg(team_id::text, ',') FROM entities_user_teams WHERE user_id = %s", key)
    profiles = read(f"SELECT string_agg(g::text, ',') FROM ({groups}) AS x (g)", key)
    permission = read("SELECT id FROM auth_permission WHERE codename = 'view_company'")
    hidden = read(
        "SELECT array_agg(field) FROM security_fieldrule"
        f" WHERE entity = 'Company' AND NOT read AND profile_id IN ({groups})",
        key,
    )
    conditions = {
        "home": f"{{0}}.territory_id IN ({territories})",
        "assigned": f"{{0}}.primary_user_id = {key}",
        "team": f"{{0}}.team_id IN ({teams})",
        "created_by": f"{{0}}.created_by_id = {key}",
    }
    holders = {
        "entities_companyusergrant": f"user_id = {key}",
        "entities_companygroupgrant": f"group_id IN ({profiles or 'NULL'})",
    }
    grants = []
    for table, holder in holders.items():
        held = f"{holder} AND permission_id = {permission}"
        grants.append(Grants(table, held, read(f"SELECT count(*) FROM {table} WHERE {held}")))
    sources = tuple(conditions[scope] for scope in sorted(scopes or ()) if scope in conditions)
    found = Caller(key, sources, tuple(grants), frozenset(hidden or ()), bool(everything))
    live = "SELECT count(*) FROM entities_company c WHERE c.deleted_at IS NULL"
    rows = read(live)
    seen = rows if everything else read(f"{live} AND ({found.found('c')})")
    return replace(found, seen=seen, rows=rows)


def keys(who: Caller, order: str, count: int, *, beyond: bool, offset: int = 0) -> str:
    """Return the statement of the keys of a page; how many stands in the text, so that one plan serves for ever."""
    sort, after = ORDERS[order]
    more = " AND " + after.format("k") if beyond else ""
    tail = f"ORDER BY {sort.format('k')} LIMIT {count + 1} OFFSET {offset:d}"
    if not who.few:
        seen = who.sees("k", many=True)
        return f"SELECT k.id FROM entities_company k WHERE k.deleted_at IS NULL AND {seen}{more} {tail}"
    # OFFSET 0, for PostgreSQL would rather walk the order than believe that there are few
    found = f"SELECT * FROM entities_company o WHERE o.deleted_at IS NULL AND ({who.found('o')}) OFFSET 0"
    return f"SELECT k.id FROM ({found}) AS k WHERE TRUE{more} {tail}"


def page(who: Caller, order: str, count: int = 100, *, beyond: bool = False, offset: int = 0) -> str:
    """Return the statement of a page: key, name, edit and delete flag, the columns, the titles of what is linked."""
    found = keys(who, order, count, beyond=beyond, offset=offset)  # by an index that holds all that this asks for
    rows = f"SELECT w.* FROM ({found}) AS f JOIN entities_company w ON w.id = f.id"
    return f"{_wide(who, rows)} ORDER BY {ORDERS[order][0].format('c')}"


def single(who: Caller) -> str:
    """Return the statement of one record."""
    return _wide(
        who, f"SELECT k.* FROM entities_company k WHERE k.id = %s AND k.deleted_at IS NULL AND {who.sees('k')}"
    )


def _wide(who: Caller, found: str) -> str:
    edits = who.sees("c", granted=False)
    deletes = "TRUE" if who.everything else _deletes(who)
    seen = "EXISTS (SELECT FROM {0} o WHERE o.id = l.{1} AND o.deleted_at IS NULL AND {2})"
    linked = " OR ".join(
        [
            seen.format("entities_company", "company_id", who.sees("o")),
            seen.format("entities_person", "person_id", who.sees("o", granted=False)),
        ]
    )
    address = (
        "EXISTS (SELECT FROM entities_addresslink l WHERE l.address_id = a.id AND l.deleted_at IS NULL"
        f" AND ({linked})) OR (a.created_by_id = {who.key} AND NOT EXISTS"
        " (SELECT FROM entities_addresslink l WHERE l.address_id = a.id AND l.deleted_at IS NULL))"
    )
    columns = ", ".join((*who.columns.values(), *TITLES))
    return (
        f"SELECT c.id, c.name, coalesce({edits}, FALSE), {deletes}, {columns} FROM ({found}) c"
        f" LEFT JOIN entities_person p ON p.id = c.primary_person_id AND p.deleted_at IS NULL"
        f" AND {who.sees('p', granted=False)}"
        f" LEFT JOIN entities_address a ON a.id = c.primary_address_id AND a.deleted_at IS NULL AND ({address})"
        " LEFT JOIN entities_user u ON u.id = c.primary_user_id AND u.deleted_at IS NULL"
        " LEFT JOIN entities_team t ON t.id = c.team_id AND t.deleted_at IS NULL"
        " LEFT JOIN entities_territory r ON r.id = c.territory_id AND r.deleted_at IS NULL"
        " LEFT JOIN entities_user cu ON cu.id = c.created_by_id AND cu.deleted_at IS NULL"
        " LEFT JOIN entities_user uu ON uu.id = c.updated_by_id AND uu.deleted_at IS NULL"
    )


def _deletes(who: Caller) -> str:
    mine = any("created_by_id" in source for source in who.sources)
    return f"coalesce(c.created_by_id = {who.key}, FALSE)" if mine else "FALSE"
