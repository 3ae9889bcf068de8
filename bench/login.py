"""What a Basic log-in costs, in one process: the first of an account, and every one after it.

    python -m bench.login [rounds]

Prints JSON in milliseconds: the password of ``restricted`` verified cold and warm, the plan made ready cold and warm,
and the time from the start of the interpreter until the first page is there.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = time.perf_counter()


def main(rounds: str = "300") -> None:
    """Measure and print."""
    import django

    django.setup()
    from django.test import Client

    from bench.cases import page
    from bench.size import PASSWORD
    from security import credentials, plan

    ask = page()
    ready = time.perf_counter()

    def verify() -> Any:
        return credentials.verify_password("restricted", PASSWORD, "127.0.0.1")

    def access(who: Any) -> Any:
        return plan.access_for(who.user_id, who.version, external=True, granted=who.granted)

    verified, log_in = _timed(verify)
    _, compiled = _timed(lambda: access(verified))
    header = ask.raw().decode().partition("Authorization: ")[2].partition("\r\n")[0]
    client = Client(HTTP_HOST="127.0.0.1", HTTP_AUTHORIZATION=header)
    _, first = _timed(lambda: client.get(ask.path))
    warm = [_timed(verify)[1] for _ in range(int(rounds))]
    again = []
    for _ in range(int(rounds)):
        remembered = verify()  # with grants of its own, as in a request
        again.append(_timed(partial(access, remembered))[1])
    found = {
        "imports": (ready - BEGIN) * 1000,
        "cold log-in": log_in,
        "cold plan": compiled,
        "cold page": first,
        "warm log-in": statistics.median(warm),
        "warm plan": statistics.median(again),
    }
    print(json.dumps({name: round(value, 3) for name, value in found.items()}))


def _timed(function: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    found = function()
    return found, (time.perf_counter() - begin) * 1000


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    main(*sys.argv[1:])
