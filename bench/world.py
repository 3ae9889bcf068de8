"""Builds the benchmark's world in the database of DATABASE_URL, unless it is there already.

    python -m bench.world [companies] [territories] [grants]

The bulk of the rows is written with the checks of references off (what it writes is whole by construction) and with
the indexes taken away and made again, as the migrations have them.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import django

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.size import Size

_BULK = ("entities_company", "entities_person", "entities_address", "entities_addresslink")
_LARGE = 50_000  # companies, from which on taking the indexes away pays


def build(size: Size) -> None:
    """Empty the database and fill it with the world of ``size``."""
    from django.db import connection

    from bench import policy, rows
    from crm.demo import load

    load.empty()
    policy.fill(size)
    load.check_references()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica; SET LOCAL maintenance_work_mem = '512MB'")
    with _without_indexes(_BULK if size.companies >= _LARGE else ()):
        rows.fill(size)
    policy.grant(size)
    load.move_sequences()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = origin")
    load.analyze()


@contextmanager
def _without_indexes(tables: tuple[str, ...]) -> Iterator[None]:
    """Take away the plain indexes of ``tables`` during a block and make them again as they were."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = ANY(%s::regclass[]) AND NOT EXISTS"
            " (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)",
            [list(tables)],
        )
        found = cursor.fetchall()
        for name, _ in found:
            cursor.execute(f'DROP INDEX "{name}"')
        yield
        for _, definition in found:
            cursor.execute(definition)


def made_of(size: Size) -> tuple[str, str]:
    """Return what identifies a world, and what its grants: the size, and the code that makes it."""
    here = Path(__file__).parent
    sources = b"".join((here / name).read_bytes() for name in ("size.py", "rows.py", "policy.py", "world.py"))
    digest = hashlib.sha256(sources).hexdigest()[:12]
    return f"{size.companies} companies, {size.territories} territories, {digest}", f"{size.grants} grants"


def ensure(size: Size) -> bool:
    """Build the world of ``size``, or its grants alone, unless the database says that it holds them; tell whether."""
    from django.core.management import call_command
    from django.db import connection, transaction

    from bench import policy

    name, (world, grants) = str(connection.settings_dict["NAME"]), made_of(size)
    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name])
        known = str(cursor.fetchone()[0]).partition("; ")
        if (known[0], known[2]) == (world, grants):
            return False
        cursor.execute(f'COMMENT ON DATABASE "{name}" IS NULL')
        with transaction.atomic():
            if known[0] == world:
                cursor.execute("SET LOCAL session_replication_role = replica")
                cursor.execute("TRUNCATE entities_companyusergrant, entities_companygroupgrant RESTART IDENTITY")
                policy.grant(size)
            else:
                build(size)
        cursor.execute("VACUUM ANALYZE")
        cursor.execute(f"COMMENT ON DATABASE \"{name}\" IS '{world}; {grants}'")
    return True


def main(*numbers: str) -> None:
    """Build what the command line asks for, and say how long it took."""
    from bench.size import FULL, Size

    given = [int(number) for number in numbers]
    size = Size(*given, *(FULL.companies, FULL.territories, FULL.grants)[len(given) :])
    begin = time.monotonic()
    built = ensure(size)
    print(f"{size.name}: {'built' if built else 'found'} in {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    django.setup()
    main(*sys.argv[1:])
