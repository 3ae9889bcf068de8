"""The rows of the benchmark's world, made by the database: one statement for each table.

Every value follows from the row's number by arithmetic, so that the same size is the same world everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import connection

from bench.size import FILLERS, KEYS, TEAMS, Size, empty_territory, home, subtree
from crm.demo.load import blank
from entities.lists import starting_lists
from entities.models import ROOT_TERRITORY
from entities.registry import registry, table_name

if TYPE_CHECKING:
    from collections.abc import Mapping

Columns = dict[str, str]
_PRIME = 2_147_483_647


def _words(text: str) -> list[str]:
    return text.split()


_STARTS = _words(
    "Alder Brix Cobal Dorn Elm Fenn Gran Hal Ister Jor Kest Lum Mar Nor Oster Pell Quor Ros Sten"
    " Tor Ulm Vex Wend Xan Yar Zor"
)
_ENDS = _words("bury cast dale ex field gate holm ica kin lund mark ner on pex quist rum sted tron und vale wick yx")
_TRADES = _words("Trading Logistics Foods Systems Motors Textiles Energy Optics Paper Glass Tools Media Homes Health")
_LEGAL = ["Ltd", "GmbH", "Inc.", "S.A.", "B.V.", "AB", "& Co."]
_FIRST = _words("Ada Bea Carl Dora Emil Finn Gwen Hugo Ida Jon Kim Lea Max Nina Olaf Pia Quinn Rosa Sven Tara Uwe Vera")
_LAST = _words("Abel Berg Chan Dahl Ek Ford Gray Hahn Iles Jung Koch Lind Moss Nagy Orr Park Reed Shaw Tran Vogt Webb")


def mixed(number: int, row: str = "i") -> str:
    """Return the ``number``-th pseudo-random integer of a row, as SQL."""
    return f"(({row}::bigint * {48_271 + 7_919 * number * number} + {number * 104_729}) % {_PRIME})"


def one_of(items: list[str] | list[int], number: int, row: str = "i") -> str:
    """Return one of ``items``, drawn by the ``number``-th integer of the row, as SQL."""
    quoted = ", ".join(str(item) if isinstance(item, int) else "'" + item.replace("'", "''") + "'" for item in items)
    return f"(ARRAY[{quoted}])[1 + ({mixed(number, row)} / 10000 % {len(items)})::int]"


def share(number: int, *shares: tuple[int, str], other: str, row: str = "i") -> str:
    """Return SQL that yields each value in its share of ten thousand rows, and ``other`` in the rest."""
    cases, upto = "", 0
    for part, value in shares:
        upto += part
        cases += f" WHEN {mixed(number, row)} % 10000 < {upto} THEN {value}"
    return f"CASE{cases} ELSE {other} END"


def stamped(number: int) -> Columns:
    """Return who made a row and who changed it last, and when."""
    made = f"timestamptz '2020-01-01 UTC' + ({mixed(number)} % 100000000) * interval '1 second'"
    return {
        "created_by_id": share(
            number + 1, (25, str(KEYS["created"])), (25, str(KEYS["restricted"])), other=filler(number + 1)
        ),
        "created_at": made,
        "updated_by_id": filler(number + 2),
        "updated_at": f"{made} + ({mixed(number + 3)} % 80000000) * interval '1 second'",
    }


def filler(number: int) -> str:
    """Return the key of one of the users who do not call, as SQL."""
    first, last = FILLERS
    return f"({first} + {mixed(number)} / 10000 % {last - first + 1})::int"


def companies(size: Size) -> Columns:
    """Return the columns of the ``i``-th company."""
    lists = {name: [code for code, _ in codes] for name, codes in starting_lists().items()}
    at_home = subtree(size, home(size))
    away = [number or ROOT_TERRITORY for number in range(size.territories)]
    away = [key for key in away if key not in (*at_home, empty_territory(size))] or [ROOT_TERRITORY]
    seen = {name: str(KEYS[name]) for name in ("assigned", "restricted", "small", "tiny")}
    return {
        "id": "i",
        "name": " || ' ' || ".join(
            [f"{one_of(_STARTS, 1)} || {one_of(_ENDS, 2)}", one_of(_TRADES, 3), one_of(_LEGAL, 4)]
        ),
        "type": one_of(lists["Comp_Type"], 5),
        "status": one_of(lists["Comp_Status"], 6),
        "source": one_of(lists["Comp_Source"], 7),
        "revenue": one_of(lists["Comp_Revenue"], 8),
        "employees": one_of(lists["Comp_Employees"], 9),
        "sector": one_of(lists["Comp_Sector"], 10),
        "ind_code": one_of(lists["Comp_IndCode"], 11),
        "sales_region": one_of(lists["Comp_Territory"], 12),
        "web_site": "'www.company-' || i || '.example'",
        "primary_person_id": "2 * i - 1",
        "primary_address_id": "CASE WHEN i % 4 = 0 THEN i / 4 END",
        "primary_user_id": share(
            13, (100, seen["assigned"]), (100, seen["restricted"]), (25, seen["small"]), (1, seen["tiny"]),
            other=filler(13),
        ),
        "team_id": share(14, (100, "1"), other=one_of(list(range(2, TEAMS)), 14)),
        "territory_id": share(15, (300, one_of(at_home, 15)), other=one_of(away, 15)),
        "segment_id": f"({mixed(16)} % 50)::int",
        "int_foreign_id": "'ERP-' || i",
        **stamped(17),
    }  # fmt: skip


def people() -> Columns:
    """Return the columns of the ``i``-th person; where they belong follows their company ``c``."""
    inherited = ("primary_user_id", "team_id", "territory_id", "created_by_id", "created_at", "updated_by_id")
    return {
        "id": "i",
        "company_id": "c.id",
        "first_name": one_of(_FIRST, 1),
        "last_name": f"{one_of(_LAST, 2)} || {one_of(_ENDS, 3)}",
        "title": one_of(["Buyer", "Manager", "Engineer", "Director"], 4),
        "salutation": one_of(["Mr.", "Ms.", "Dr."], 5),
        "gender": one_of(["Male", "Female", "Other"], 6),
        "title_code": one_of(["CEO", "Manager", "Buyer", "Engineer"], 7),
        "department_code": one_of(["Sales", "IT", "Finance", "Support"], 8),
        "status": "'Active'",
        "web_site": "'www.person-' || i || '.example'",
        "int_foreign_id": "'ERP-P-' || i",
        "updated_at": "c.updated_at + i % 2 * interval '1 second'",
        **{column: f"c.{column}" for column in inherited},
    }


def addresses() -> Columns:
    """Return the columns of the ``i``-th address."""
    return {
        "id": "i",
        "address1": f"({mixed(1)} % 200 + 1) || ' ' || {one_of(_LAST, 2)} || ' Street'",
        "city": one_of(["Cork", "Lyon", "Graz", "Bergen", "Leeds", "Porto", "Lund", "Basel", "Gent", "Bari"], 3),
        "post_code": f"({mixed(4)} % 90000 + 10000)::text",
        "country": one_of(["IE", "FR", "AT", "NO", "GB", "PT"], 5),
        **stamped(6),
    }


def address_links() -> Columns:
    """Return the columns of the link between the ``i``-th address and its company."""
    return {"id": "i", "address_id": "i", "company_id": "4 * i", "type": "'Business'", **stamped(6)}


def insert(kind: str, count: int, columns: Columns, joined: str = "") -> None:
    """Fill the table of ``kind`` with ``count`` rows; columns that are not given are those of an empty record."""
    empty = {column: value for column, value in blank(kind).items() if column not in columns}
    given = ", ".join([*columns.values(), *["%s"] * len(empty)])
    names = ", ".join(f'"{column}"' for column in (*columns, *empty))
    name = table_name(registry()[kind].model)
    values: Any = list(empty.values())
    with connection.cursor() as cursor:
        source = f"generate_series(1, {count:d}) AS i {joined}"
        escaped = given.replace("%", "%%").replace("%%s", "%s")
        cursor.execute(f'INSERT INTO "{name}" ({names}) SELECT {escaped} FROM {source}', values)


def fill(size: Size) -> None:
    """Write companies, people, addresses and their links."""
    insert("Company", size.companies, companies(size))
    insert("Person", 2 * size.companies, people(), "JOIN entities_company c ON c.id = (i + 1) / 2")
    insert("Address", size.companies // 4, addresses())
    insert("Address_Link", size.companies // 4, address_links())


def grant(table: str, holder: Mapping[str, str], permission: int, count: int, number: int, companies: int) -> None:
    """Grant ``permission`` on ``count`` companies, spread over all of them. ``holder`` = the column and its value."""
    column, value = next(iter(holder.items()))
    key = f"1 + (i * 7919::bigint + {number * 613}) % {companies}"  # a prime that divides no size
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{table}" ({column}, permission_id, content_object_id)'
            f" SELECT {value}, {permission:d}, {key} FROM generate_series(1, {count:d}) AS i"
            " ON CONFLICT DO NOTHING"
        )
