"""Bodies that are no JSON object, or not one that can be read in one way only (contract.md §11.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.api.wire import Wire

BODIES = {
    "nothing": b"",
    "blanks": b"   ",
    "no JSON": b"comp_name=x",
    "half": b'{"comp_name": ',
    "two values": b'{"comp_name": "x"} {}',
    "an array": b"[]",
    "a list of records": b'[{"comp_name": "x"}]',
    "a text": b'"comp_name"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "NaN": b'{"comp_intid": NaN}',
    "Infinity": b'{"comp_intid": -Infinity}',
    "single quotes": b"{'comp_name': 'x'}",
    "a trailing comma": b'{"comp_name": "x",}',
    "a comment": b'{"comp_name": "x"} // x',
    "a byte order mark": b'\xef\xbb\xbf{"comp_name": "x"}',
    "latin-1": b'{"comp_name": "\xe9"}',
    "utf-16": '{"comp_name": "x"}'.encode("utf-16"),
    "a control character": b'{"comp_name": "a\nb"}',
    "21 levels": b'{"a": ' + b"[" * 20 + b"]" * 20 + b"}",
    "10,000 levels": b'{"a": ' + b"[" * 10_000,
    "braces in a text": b'{"comp_name": "' + b"{" * 30,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
@pytest.mark.parametrize(("method", "path"), [("POST", "company"), ("PATCH", "company('2')")])
def test_67_what_is_no_json_object_is_refused(susan: Wire, method: str, path: str, body: bytes) -> None:
    before = susan.get("company('2')").body
    answer = susan.send(method, path, body)
    assert answer.refusal == (400, "ApplicationDiagnosis", "BadJson")
    assert susan.get("company('2')").body == before


def test_67_twenty_levels_are_not_too_deep(susan: Wire) -> None:
    body = b'{"a": ' + b"[" * 19 + b"]" * 19 + b', "comp_name": "[[[[[[[[[[[[[[[[[[[[[[[[[[[["}'
    assert susan.patch("company('2')", body).codes == ["UnknownMember"]


@pytest.mark.parametrize(
    "body",
    [b'{"a": 1, "A": 2}', b'{"comp_name": "x", "comp_name": "x"}', b'{"comp_name": "x", "Comp_Name ": "y"}'],
)
def test_66_members_that_become_the_same_name_are_refused(susan: Wire, body: bytes) -> None:
    assert susan.patch("company('2')", body).code == "DuplicateMember"
    assert susan.post("company", body).code == "DuplicateMember"
