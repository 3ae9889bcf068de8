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
# What is measured, by case and variant.
RECORDS = (("create", "ours"), ("create", "stock"), ("update with If-Match", "ours"))
BATCHES = (("batch of 1,000", "ours"), ("batch of 1,000", "executemany"))


def measured(
    servers: Mapping[str, Server], address: str, size: Size, effort: Effort, *, batches: bool = True
) -> list[Sample]:
    """Return the times of creating, updating and, if wished, of ``batches``; all that is written is removed again."""
    try:
        samples = _records(servers, size, max(5, effort.rounds // 2))
        if batches:
            samples += _batches(servers, address, size, max(2, effort.slices // 2))
    finally:
        clean(address, size)
    for sample in samples:
        del sample.times[: len(sample.times) // 5]  # warm by then
    return samples


def _records(servers: Mapping[str, Server], size: Size, rounds: int) -> list[Sample]:
    """Measure single records, ours and the stock implementation's in turn."""
    samples = [Sample(*name, "restricted") for name in RECORDS]
    lines = {name: Line(servers[name].port) for name in ("ours", "stock")}
    for _ in range(rounds):
        create = _create(size)
        answer = expected(lines["ours"].ask(create), create)
        plain = _create_in_stock(size, servers["stock"].port)
        update = _update(answer.json)
        answers = answer, expected(lines["stock"].ask(plain), plain), expected(lines["ours"].ask(update), update)
        for sample, taken in zip(samples, answers, strict=True):
            sample.times.append(taken.seconds * 1000)
    return samples


def _batches(servers: Mapping[str, Server], address: str, size: Size, rounds: int) -> list[Sample]:
    """Measure batches, ours and plain inserts of the same rows in turn."""
    batch, plain = (Sample(*name, "restricted") for name in BATCHES)
    line = Line(servers["ours"].port)
    for _ in range(rounds):
        ask = _batch(size)
        answer = expected(line.ask(ask), ask)
        refused = [item for item in answer.json if item["$httpStatus"] >= 300]
        if refused:
            raise RuntimeError(f"{len(refused)} items of the batch were refused: {refused[0]}")
        batch.times.append(answer.seconds * 1000)
        plain.times.append(_executemany(address, size) * 1000)
    return [batch, plain]


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
    """Remove what was written; nothing refers to it, so that no reference need be looked for in whole tables."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM entities_person WHERE id > %s", [2 * size.companies])
        connection.execute("DELETE FROM entities_company WHERE id > %s", [size.companies])
        connection.execute("TRUNCATE security_change")
        connection.execute("VACUUM ANALYZE entities_person, entities_company")
