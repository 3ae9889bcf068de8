"""Numbers that no field can hold are refused wherever they stand in a body."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.api.wire import Wire


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1e-99999999999999999999", "0e9999999999999999999"])
@pytest.mark.parametrize("member", ["Comp_Name", "Comp_IntId", "Comp_NoSuch", "$key"])
def test_an_endless_exponent_is_a_bad_body(susan: Wire, member: str, number: str) -> None:
    answer = susan.post("company", f'{{"{member}": {number}}}'.encode())
    assert (answer.status, answer.code) == (400, "BadJson")


def test_a_length_that_is_no_number_is_none(susan: Wire) -> None:
    answer = susan.post("company", {"Comp_Name": "x"}, headers={"Content-Length": "abc"})
    assert (answer.status, answer.code) == (400, "BadJson")
