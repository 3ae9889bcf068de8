"""The benchmark compares like with like: ours, the stock implementation and the limit show the same to one caller."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import psycopg
import pytest
from django.db import connection

from bench import acceptance, limit, limit_json, limit_sql, report
from bench.asking import Ask, Sample
from bench.cases import HALF, first_page, page
from bench.honesty import difference, entries
from bench.long_run import WORLDS
from bench.size import BASE, CALLERS
from bench.stock.serializers import WIRES
from tests.bench.served import SIZE, sent, serve_ours, serve_stock

if TYPE_CHECKING:
    from pathlib import Path


def bare() -> psycopg.Connection[Any]:
    """Return the connection that sees the world, as the bare application uses it."""
    connection.ensure_connection()
    found: Any = connection.connection
    found.execute("SET timezone = 'UTC'")
    assert isinstance(found, psycopg.Connection)
    return found


def test_three_implementations_show_the_same(small_world: None, settings: Any) -> None:
    for logon in ("restricted", "granted", "nothing", "admin"):
        compared(logon, settings)
    seen_by_case()
    for logon in CALLERS:
        walked_and_looked_up(logon)


def compared(logon: str, settings: Any) -> None:
    """Hold that the three show the same to ``logon``."""
    who, base = limit_sql.caller(bare(), logon), f"http://127.0.0.1{BASE}"
    by_hand = limit.page(bare(), who, {"order": "name"}, base, ""), limit_json.page(bare(), who, base, "")
    bare_pages = [entries(json.loads(body)) for body in by_hand]
    serve_stock(settings)
    asks = {name: ask for name, ask in first_page().asks.items() if ask.server == "stock"}
    stock_pages = {name: entries(sent(Ask("stock", ask.path, logon))) for name, ask in asks.items()}
    serve_ours(settings)
    ours = entries(sent(page(logon)))
    if logon == "nothing":
        assert not any([ours, *bare_pages, *stock_pages.values()])
        return
    assert len(ours) == SIZE.shared if logon == "granted" else len(ours) > 50
    assert [difference(ours, found, stock=False) for found in bare_pages] == ["", ""]
    key = ours[-1]["$key"]
    alone = json.loads(limit.single(bare(), who, key, base))
    assert not difference([sent(Ask("ours", f"{BASE}/company('{key}')", logon))], [alone], stock=False)
    columns = [name for name, value in ours[0].items() if not name.startswith("$") and not isinstance(value, dict)]
    for name, found in stock_pages.items():
        assert not difference(ours, found, stock=True, half=name.endswith(HALF)), name
        assert [WIRES[column] for column in found[0] if column in WIRES] == columns, name


def test_a_difference_is_noticed() -> None:
    one = {"$key": 1, "$etag": "a", "Comp_Name": "A", "$links": {}}
    assert not difference([one], [one | {"$etag": "b"}], stock=False)
    assert difference([one], [one | {"Comp_Name": "B"}], stock=False)
    assert difference([one], [], stock=False)
    assert difference([], [], stock=False)
    assert difference([one], [{"id": 1, "links": {}}], stock=True)


def seen_by_case() -> None:
    """Hold that callers see what their case is about."""
    seen = {logon: limit_sql.caller(bare(), logon) for logon in CALLERS}
    counts = {
        logon: bare().execute(f"SELECT count(*) FROM entities_company c WHERE {who.sees('c')}").fetchone()
        for logon, who in seen.items()
    }
    shares = {logon: row[0] / SIZE.companies for logon, row in counts.items() if row}
    assert shares["admin"] == shares["everywhere"] == 1
    assert shares["nothing"] == 0
    assert 0.03 < shares["restricted"] < 0.1
    assert 0.02 < shares["home"] < 0.05
    assert shares["many"] > SIZE.own / SIZE.companies
    assert counts["granted"] == (SIZE.shared,)
    assert seen["restricted"].hidden and not seen["home"].hidden


def walked_and_looked_up(logon: str) -> None:
    """Hold that the bare application shows the same rows whichever way it takes, from the start and from a cursor."""
    who = limit_sql.caller(bare(), logon)
    every = bare().execute(f"SELECT count(*) FROM entities_company c WHERE {who.sees('c')}").fetchone()
    assert every == (who.seen,)
    if who.everything:
        return
    looking = replace(who, seen=1)
    hashing, probing = (
        replace(who, seen=SIZE.companies, grants=tuple(replace(grants, count=count) for grants in who.grants))
        for count in (0, 10**9)
    )
    assert looking.few and not hashing.few
    assert hashing.sees("c", many=True) != probing.sees("c", many=True)
    for order in limit_sql.ORDERS:
        shown: list[int] = []
        after: list[Any] = []
        for _ in range(3):
            pages = [limit_sql.page(one, order, 20, beyond=bool(after)) for one in (hashing, probing, looking)]
            rows, *same = (limit.run(bare(), sql, tuple(after)) for sql in pages)
            assert same == [rows, rows]
            shown += [row[0] for row in rows[:20]]
            if len(rows) <= 20:
                break
            after = json.loads(base64.urlsafe_b64decode(limit.cursor_of(who, order, rows[19])))
        at_once = limit_sql.page(looking, order, 20, offset=20)
        assert [row[0] for row in limit.run(bare(), at_once, ())][:20] == shown[20:40]


def test_goals_are_ratios_of_what_was_measured(tmp_path: Path) -> None:
    samples = []
    for variant, taken in (("ours", 4.0), ("limit", 2.0), ("stock", 800.0)):
        samples.append(Sample("list", variant, "restricted", times=[taken] * 5).summary())
    for companies, taken in ((200, 4.0), (SIZE.companies, 4.6), (SIZE.companies * 10, 6.0)):
        samples.append(Sample(WORLDS, f"{companies:,}", "restricted", times=[taken] * 5).summary())
    found = measured(samples)
    reached = {goal.name: (goal.reached, goal.verdict) for goal in acceptance.goals(found)}
    assert reached["list against stock with count, without that hash"] == (200.0, "reached")
    assert reached["list against limit, time"] == (2.0, "missed")
    of_worlds = [reached[f"200 → {n:,} companies, list by $next"] for n in (SIZE.companies, SIZE.companies * 10)]
    assert of_worlds == [(pytest.approx(1.15), "reached"), (1.5, "missed")]
    assert reached["create against stock"] == (None, "not measured")
    assert reached["warm Basic log-in, freshness and grants included"] == (0.2, "dream")
    report.write(found, tmp_path / "performance.md")
    assert (
        "| list against limit, time | ≤ 1.6 × | 1.2 × | **2.00 ×** | missed |"
        in (tmp_path / "performance.md").read_text()
    )


def test_a_report_tells_each_case_with_its_ratio_and_draws_what_grows() -> None:
    samples = [
        Sample(case, variant, "restricted", times=[taken] * 5).summary()
        for case, variant, taken in (
            ("list", "ours", 6.0),
            ("list", "limit", 2.0),
            ("list by scope", "home", 3.0),
            ("list by scope, limit", "home", 2.0),
            ("single by scope", "home", 1.5),
            ("single", "ours", 1.0),
            ("single", "limit", 0.5),
            ("single", "stock", 10.0),
            ("select", "ours", 5.0),
        )
    ]
    times = {"first page": 4.0, "by $next": 4.1, "many grants": 5.0, "limit": 2.0}
    found = measured(samples) | {"growth": [{**vars(SIZE), "companies": n, "times": times} for n in (20_000, 2_000)]}
    text = report.text(found)
    assert "Machine: cores 2." in text
    assert "| home | 3.0 | 3.0 | 2.0 | 1.50 | – | 1.5 | 1.5 | 3.00 |" in text.replace("| 0 |", "| – |")
    assert "| single · ours | 1 | 1.0 | 1.0 | 2.00 × limit |  | 5 |" in text
    assert "| single · limit | 1 | 0.5 | 0.5 |  |  | 5 |" in text
    assert "| single · stock | 1 | 10.0 | 10.0 | 10.00 × ours |  | 5 |" in text
    assert "| select · ours | 1 | 5.0 | 5.0 | 2.50 × list · limit |  | 5 |" in text
    assert [line for line in text.splitlines() if re.match(r"\| 20?,000 \|", line)] == [
        "| 20,000 | 100 | 400 | 4.0 | 4.1 | 5.0 | 2.0 |",
        "| 2,000 | 100 | 400 | 4.0 | 4.1 | 5.0 | 2.0 |",
    ]
    pictures = report.pictures(found)
    assert (
        set(re.findall(r"performance/(\w+\.svg)", text))
        == set(pictures)
        == {"page.svg", "callers.svg", "companies.svg"}
    )
    for picture in pictures.values():
        assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert pictures["companies.svg"].index(">2,000<") < pictures["companies.svg"].index(">20,000<")


def measured(samples: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a run that found ``samples``, and little besides."""
    return {
        "samples": samples,
        "growth": [],
        "mode": "quick",
        "machine": {"cores": 2},
        "seconds": 1,
        "honesty": {"ours": 10, "limit": 9},
        "size": vars(SIZE),
        "log-in": {"warm log-in": 0.1, "warm plan": 0.1},
        "memory": {"few": 1, "many": 2, "after few": [100.0, 90.0], "after many": [110.0, 90.0]},
    }
