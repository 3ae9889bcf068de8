"""Measuring writes, on records that are made for it and taken away afterwards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson
import psycopg

from bench.asking import Ask, Effort, Line, Sample, expected
from bench.size import BASE, FILLERS, KEYS, Size, home, subtree

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.servers import Server

BATCH = 1_000


def measured(servers: Mapping[str, Server], address: str, size: Size, effort: Effort) -> list[Sample]:
    """Return the times of creating, updating and of batches; everything written is removed again."""
    lines = {name: Line(servers[name].port) for name in ("ours", "stock")}
    samples = [Sample(*names, "restricted") for names in _NAMES]
    create, created, update, batch, plain = samples
    try:
        for _ in range(max(5, effort.rounds // 2)):
            ask = _create(size)
            answer = expected(lines["ours"].ask(ask), ask)
            create.times.append(answer.seconds * 1000)
            ask = _create_in_stock(size, servers["stock"].port)
            created.times.append(expected(lines["stock"].ask(ask), ask).seconds * 1000)
            ask = _update(answer.json)
            update.times.append(expected(lines["ours"].ask(ask), ask).seconds * 1000)
        for _ in range(max(2, effort.slices // 2)):
            ask = _batch(size)
            answer = expected(lines["ours"].ask(ask), ask)
            refused = [item for item in answer.json if item["$httpStatus"] >= 300]
            if refused:
                raise RuntimeError(f"{len(refused)} items of the batch were refused: {refused[0]}")
            batch.times.append(answer.seconds * 1000)
            plain.times.append(_executemany(address, size) * 1000)
    finally:
        clean(address, size)
    for sample in samples:
        del sample.times[: len(sample.times) // 5]  # warm by then
    return samples


_NAMES = (
    ("create", "ours"),
    ("create", "stock"),
    ("update with If-Match", "ours"),
    ("batch of 1,000", "ours"),
    ("batch of 1,000", "executemany"),
)


def _place(size: Size) -> int:
    return subtree(size, home(size))[0]


def _create(size: Size) -> Ask:
    body = {
        "Comp_Name": "Benchmark Ltd",
        "Comp_Type": "Customer",
        "Comp_PrimaryUserId": FILLERS[0],
        "Comp_SecTerr": _place(size),
    }
    return Ask("ours", f"{BASE}/company", method="POST", body=orjson.dumps(body))


def _create_in_stock(size: Size, port: int) -> Ask:
    base = f"http://127.0.0.1:{port}"
    body = {
        "name": "Benchmark Ltd",
        "type": "Customer",
        "primary_user": f"{base}/users/{FILLERS[0]}/",
        "territory": f"{base}/territories/{_place(size)}/",
    }
    return Ask("stock", "/fast/companies/", method="POST", body=orjson.dumps(body))


def _update(entry: Any) -> Ask:
    key, tag = entry["$key"], entry["$etag"]
    body = orjson.dumps({"Comp_SegmentId": 7})
    return Ask("ours", f"{BASE}/company('{key}')", method="PATCH", body=body, headers=(("If-Match", f'"{tag}"'),))


def _person(number: int, size: Size) -> dict[str, Any]:
    return {
        "Pers_FirstName": "Ada",
        "Pers_LastName": f"Batch {number}",
        "Pers_Status": "Active",
        "Pers_PrimaryUserId": FILLERS[0],
        "Pers_SecTerr": _place(size),
    }


def _batch(size: Size) -> Ask:
    body = orjson.dumps([_person(number, size) for number in range(BATCH)])
    return Ask("ours", f"{BASE}/person/$batch", method="POST", body=body)


def _executemany(address: str, size: Size) -> float:
    """Return the seconds that plain inserts of the same rows take, over a new connection that is not counted."""
    with psycopg.connect(address) as connection:
        cursor = connection.execute(
            "SELECT column_name, column_default FROM information_schema.columns WHERE table_name = 'entities_person'"
            " AND is_generated = 'NEVER' AND is_identity = 'NO' ORDER BY ordinal_position"
        )
        columns = [name for name, _ in cursor.fetchall()]
        empty = connection.execute(f"SELECT {', '.join(columns)} FROM entities_person WHERE id = 1").fetchone() or ()
        row = dict(zip(columns, empty, strict=True)) | {
            "primary_user_id": FILLERS[0],
            "territory_id": _place(size),
            "company_id": None,
            "created_by_id": KEYS["restricted"],
        }
        sql = f"INSERT INTO entities_person ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"
        rows = [tuple((row | {"last_name": f"Batch {number}"}).values()) for number in range(BATCH)]
        begin = time.perf_counter()
        connection.cursor().executemany(sql, rows)
        connection.commit()
        return time.perf_counter() - begin


def clean(address: str, size: Size) -> None:
    """Remove what was written."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DELETE FROM entities_person WHERE id > %s", [2 * size.companies])
        connection.execute("DELETE FROM entities_company WHERE id > %s", [size.companies])
        connection.execute("TRUNCATE security_change")
        connection.execute("VACUUM ANALYZE entities_person, entities_company")
