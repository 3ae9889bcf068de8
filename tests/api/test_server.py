"""The served application, over sockets and with parallel requests: what no test client shows."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from guardian.shortcuts import assign_perm

from entities.models import Company, User
from security.gate import system_rows
from tests.api.serving import Served, address_of_database, behind, served
from tests.api.wire import BASE, basic

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["behind", "served"]  # fixtures


@pytest.fixture(autouse=True)
def world() -> None:
    """The server has a world of its own."""


def together(*sends: Callable[[], Any]) -> list[Any]:
    """Run all at once, each in a thread."""
    start = Barrier(len(sends))

    def run(send: Callable[[], Any]) -> Any:
        start.wait()
        return send()

    with ThreadPoolExecutor(len(sends)) as threads:
        return list(threads.map(run, sends))


def test_75_of_two_edits_at_once_with_the_same_tag_one_is_stored(served: Served) -> None:
    for attempt in range(8):
        tag = served.send("GET", "company('2')")[1]["ETag"]
        values = [100 * attempt + 1, 100 * attempt + 2]
        answers = together(
            *(partial(served.send, "PATCH", "company('2')", {"comp_intid": value}, If_Match=tag) for value in values)
        )
        assert sorted(status for status, _, _ in answers) == [200, 412]
        stored = next(value for value, (status, _, _) in zip(values, answers, strict=True) if status == 200)
        assert served.json("GET", "company('2')")["Comp_IntId"] == stored


def test_edits_of_different_fields_at_once_are_both_stored(served: Served) -> None:
    for number in range(5):
        bodies: list[dict[str, Any]] = [
            {"comp_intid": number},
            {"comp_segmentid": number},
            {"comp_website": f"w{number}"},
        ]
        answers = together(*(partial(served.send, "PATCH", "company('2')", body) for body in bodies))
        assert [status for status, _, _ in answers] == [200] * 3
        entry = served.json("GET", "company('2')")
        assert (entry["Comp_IntId"], entry["Comp_SegmentId"], entry["Comp_WebSite"]) == (number, number, f"w{number}")


def test_many_requests_at_once_are_all_answered(served: Served) -> None:
    sends = [partial(served.send, "GET", "company?count=50", logon=logon) for logon in ("susan", "olivia") * 8]
    answers = together(*sends)
    assert [status for status, _, _ in answers] == [200] * 16
    assert len({body for _, _, body in answers}) == 2


def test_a_body_in_chunks_is_read(served: Served) -> None:
    body = json.dumps({"comp_name": "In chunks"}).encode()
    status, _, answer = served.send("POST", "company", iter([body[:7], body[7:]]))
    assert (status, json.loads(answer)["Comp_Name"]) == (201, "In chunks")
    status, _, answer = served.send("POST", "company", iter([b"x" * 65536] * 17))
    assert (status, json.loads(answer)["$diagnoses"][0]["$applicationCode"]) == (413, "BodyTooLarge")
    status, _, answer = served.send("PATCH", "company('2')", iter([]))
    assert (status, json.loads(answer)["$diagnoses"][0]["$applicationCode"]) == (400, "BadJson")


def head(method: str, target: bytes, logon: str = "susan") -> bytes:
    lines = [method.encode() + b" " + target + b" HTTP/1.1", b"Host: 127.0.0.1", b"Connection: close"]
    return b"\r\n".join([*lines, f"Authorization: {basic(logon)}".encode(), b"", b""])


def test_18_the_answer_to_head_ends_with_its_headers(served: Served) -> None:
    for path in (b"/company", b"/company('2')", b"/nosuch"):
        answer = served.raw(head("HEAD", BASE.encode() + path))
        assert answer.startswith((b"HTTP/1.1 200", b"HTTP/1.1 404"))
        assert answer.endswith(b"\r\n\r\n")
        assert answer.count(b"\r\n\r\n") == 1


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(("length", "status"), [(8000, 200), (8001, 414), (8100, 414)])
def test_47_the_length_of_a_target_is_judged(served: Served, length: int, status: int) -> None:
    start = BASE.encode() + b"/company?count=0&_t="
    answer = served.raw(head("GET", start + b"x" * (length - len(start))))
    assert status_of(answer) == status
    assert (b"UrlTooLong" in answer) == (status == 414)


@pytest.mark.parametrize("length", [8300, 20_000])
def test_47_a_line_that_the_web_server_cannot_read_is_refused(served: Served, length: int) -> None:
    assert status_of(served.raw(head("GET", BASE.encode() + b"/company?_t=" + b"x" * length))) in (400, 414)


@pytest.mark.parametrize(
    "target", [b"/%ff%fe", b"/%", b"/%zz", b"/company%00", b"/a%0d%0ab", b"/../../etc/passwd", b"/%2e%2e"]
)
def test_6_garbage_on_the_line_is_a_404(served: Served, target: bytes) -> None:
    assert status_of(served.raw(head("GET", BASE.encode() + target))) == 404


def test_a_granted_row_is_visible_to_every_process_on_the_next_request(behind: Served) -> None:
    """Rights granted here bind the server's processes at once."""
    assert {behind.send("GET", "company('59')", logon="olivia")[0] for _ in range(6)} == {404}
    assign_perm("view_company", system_rows(User).get(logon="olivia"), system_rows(Company).get(pk=59))
    assert {behind.send("GET", "company('59')", logon="olivia")[0] for _ in range(6)} == {200}
    system_rows(User).filter(logon="olivia").update(disabled=True)
    assert {behind.send("GET", "company('59')", logon="olivia")[0] for _ in range(6)} == {401}
    system_rows(User).filter(logon="olivia").update(disabled=False)


def test_90_a_write_that_waits_beyond_the_limit_stores_nothing(served: Served) -> None:
    quotes = served.json("GET", "quotes?count=1&select=quot_opportunityid", logon="admin")["$resources"][0]
    opportunity = f"opportunity('{quotes['Quot_OpportunityId']}')"
    before = served.json("GET", opportunity, logon="admin")
    other = next(
        entry["$key"]
        for entry in served.json("GET", "currency", logon="admin")["$resources"]
        if entry["$key"] != before["Oppo_Currency"]
    )
    companies = served.json("GET", "company?count=2&select=$key", logon="admin")["$resources"]
    company = next(entry["$key"] for entry in companies if entry["$key"] != before["Oppo_PrimaryCompanyId"])
    body = {"oppo_description": "Half", "oppo_primarycompanyid": company, "oppo_primarypersonid": None}
    assert other
    with psycopg.connect(address_of_database(served.database)) as holder:
        holder.execute("SELECT FROM entities_quote WHERE id = %s FOR UPDATE", [quotes["$key"]])
        status, headers, answer = served.send("PATCH", opportunity, body, logon="admin")
    assert (status, json.loads(answer)["$diagnoses"][0]["$applicationCode"]) == (503, "QueryTimeout")
    assert int(headers["Retry-After"]) > 0
    assert served.json("GET", opportunity, logon="admin") == before
    assert served.send("PATCH", opportunity, body, logon="admin")[0] == 200
