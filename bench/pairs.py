"""Ratios measured one by one: ours and what it is divided by, asked in turn, so that both meet the same machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import cases, writing
from bench.acceptance import Run
from bench.asking import alternate
from bench.ratios import QUIET
from bench.servers import cluster, database, serving

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.asking import Effort
    from bench.ratios import Ratio
    from bench.servers import Server
    from bench.size import Size


def measured(wanted: Sequence[Ratio], size: Size, effort: Effort) -> dict[str, float]:
    """Return the ratios ``wanted`` in the world of ``size``, by name."""
    with cluster() as url:
        address = database(url, size)
        with serving(address, "ours", "stock", "limit") as servers:
            return asked(servers, wanted, size, effort) | written(servers, address, wanted, size, effort)


def asked(servers: Mapping[str, Server], wanted: Sequence[Ratio], size: Size, effort: Effort) -> dict[str, float]:
    """Return those of ``wanted`` that requests for reading make."""
    listed = [*cases.listed(servers, size), *cases.single(servers)]
    asks = {(case.name, variant): ask for case in listed for variant, ask in case.asks.items()}
    found = {}
    for ratio in wanted:
        if ratio.upper in asks:
            pair = {"ours": asks[ratio.upper], "yardstick": asks[ratio.lower]}
            ours, yardstick = (sample.summary() for sample in alternate(servers, ratio.name, pair, effort))
            found[ratio.name] = ours[QUIET] / yardstick[QUIET]
    return found


def written(
    servers: Mapping[str, Server], address: str, wanted: Sequence[Ratio], size: Size, effort: Effort
) -> dict[str, float]:
    """Return those of ``wanted`` that writes make."""
    batches = any(ratio.upper in writing.BATCHES for ratio in wanted)
    if not batches and not any(ratio.upper in writing.RECORDS for ratio in wanted):
        return {}
    samples = writing.measured(servers, address, size, effort, batches=batches)
    run = Run({"samples": [sample.summary() for sample in samples]})
    return {ratio.name: value for ratio in wanted if (value := ratio.of(run)) is not None}
