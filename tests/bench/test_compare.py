"""A fall of speed is noticed by its ratio, told in a table, and counts only where it is there at every look."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from bench import compare, measure, pairs, ratios, writing
from bench.asking import Effort, Sample
from bench.compare import Line
from bench.size import FULL, QUICK, Size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bench.ratios import Ratio

LIST, SINGLE, BATCH = "list · ours / limit", "single · ours / limit", "batch of 1,000 · ours / executemany"


def run(**times: float) -> dict[str, Any]:
    """Return a run in which our list took so many times the limit's, and our record."""
    samples = [
        Sample(case, variant, "restricted", times=[times[case] if variant == "ours" else 1.0] * 5).summary()
        for case in times
        for variant in ("ours", "limit")
    ]
    return {"mode": "quick", "size": vars(QUICK), "samples": samples}


def words(told: str) -> list[list[str]]:
    """Return the columns of each line of a table."""
    return [re.split(r" {2,}", line) for line in told.splitlines()]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep runs and baseline in a directory of their own."""
    monkeypatch.setattr(compare, "BASELINE", tmp_path / "baseline.json")
    monkeypatch.setattr(compare, "results", lambda mode: tmp_path / f"{mode}.json")
    return tmp_path


def measuring(monkeypatch: pytest.MonkeyPatch, **values: float) -> list[tuple[int, int]]:
    """Let ratios be 2 where they are measured, or ``values`` by case; return how many are asked for, in what effort."""
    looks = []

    def measured(wanted: Sequence[Ratio], size: Size, effort: Effort) -> dict[str, float]:
        assert size == QUICK
        looks.append((len(wanted), effort.rounds))
        return {ratio.name: values.get(ratio.upper[0], 2.0) for ratio in wanted}

    monkeypatch.setattr(pairs, "measured", measured)
    return looks


def test_the_last_run_is_compared_with_what_was_written(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert compare.main("quick") == 2
    assert "python -m bench.measure quick" in capsys.readouterr().err
    (files / "quick.json").write_text(json.dumps(run(list=2.5, single=9.0)))
    assert compare.main("quick") == 2
    measuring(monkeypatch)
    assert compare.main("write") == 0
    looks = measuring(monkeypatch, single=4.0)
    capsys.readouterr()
    assert compare.main("quick") == 1
    told = capsys.readouterr().out
    assert [LIST, "2.00", "2.50", "+25 %"] in words(told)
    assert [SINGLE, "2.00", "9.00", "+350 %", "slower"] in words(told)
    assert [BATCH, "2.00", "–", "not measured"] in words(told)
    assert told.splitlines()[-1] == f"Slower by more than 30%, measured 3 times: {SINGLE}"
    assert looks == [(1, 80), (1, 120)]


def test_a_check_measures_the_main_ratios_now(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert measuring(monkeypatch) == []
    assert compare.main("write") == 0
    looks, main = measuring(monkeypatch, list=2.6), len(ratios.checked())
    assert compare.main("check") == 0
    assert "not measured" not in capsys.readouterr().out
    measuring(monkeypatch, list=2.61)
    assert compare.main("check") == 1
    assert looks == [(main, 40)]
    assert len(ratios.ratios()) > main


def test_a_baseline_of_another_world_is_refused(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    measuring(monkeypatch)
    assert compare.main("write") == 0
    (files / "quick.json").write_text(json.dumps(run(list=2.0) | {"size": {**vars(QUICK), "companies": 10}}))
    assert compare.main("quick") == 2
    assert "of this size" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("looks", "stays"), [([1.2], []), ([1.5, 1.2], []), ([1.5, 1.6], ["a"])], ids=["noise", "noise twice", "a fall"]
)
def test_a_fall_counts_where_it_is_there_at_every_look(looks: list[float], stays: list[str]) -> None:
    asked = []

    def measure(names: Sequence[str], effort: Effort) -> Mapping[str, float]:
        asked.append(list(names))
        return {"a": looks[len(asked) - 1]}

    lines = [Line("a", 1.0, 1.4), Line("b", 1.0, 1.29), Line("c", 1.0, None), Line("d", None, 9.0), Line("e", 2.0, 1.0)]
    assert [line.name for line in compare.confirmed(lines, measure)] == stays
    assert asked == [["a"]] * len(looks)


def test_what_only_one_side_has_is_told() -> None:
    told = compare.told(compare.compared({"gone": 1.0}, {"come": 2.0}))
    assert words(told)[1:] == [["come", "–", "2.00", "new"], ["gone", "1.00", "–", "not measured"]]


def test_the_committed_baseline_holds_every_ratio() -> None:
    known = compare.baseline(QUICK)
    assert set(known) == {ratio.name for ratio in ratios.ratios()}
    assert min(known.values()) > 0


def test_every_case_of_the_short_look_exists() -> None:
    assert {ratio.upper[0] for ratio in ratios.checked()} == set(ratios.CHECKED)


def test_writes_are_measured_where_a_ratio_needs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def measured(*given: Any, batches: bool) -> list[Sample]:
        calls.append(batches)
        return [Sample(*name, "restricted", times=[1.0]) for name in (*writing.RECORDS, *writing.BATCHES)]

    monkeypatch.setattr(writing, "measured", measured)
    by_name = {ratio.name: ratio for ratio in ratios.ratios()}
    for names in ([LIST], ["create · ours / stock"], ["create · ours / stock", BATCH]):
        found = pairs.written({}, "", [by_name[name] for name in names], QUICK, Effort(1, 1.0, 1, 1.0))
        assert list(found) == [name for name in names if name != LIST]
    assert calls == [False, True]


def test_the_growth_of_a_full_run_holds_every_combination(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BENCH_LARGEST", raising=False)
    found = measure.sizes("full", FULL)
    assert {size.companies for size in found} == {10_000, 100_000, 1_000_000}
    assert {size.territories for size in found} == {10, 100, 500}
    assert {size.grants for size in found} == {0, 1_000, 50_000, 500_000}
    assert len(found) == 3 * 3 * 4 - 3  # half a million grants of ten thousand companies do not exist
    assert found[-1] == FULL
    monkeypatch.setenv("BENCH_LARGEST", "10000000")
    assert [size for size in measure.sizes("full", FULL) if size not in found] == [Size(10_000_000, 500, 50_000)]
    assert len(measure.sizes("quick", QUICK)) < 5
