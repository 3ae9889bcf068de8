"""The checklist in the docs is the truth: every number has a test, and the table names them."""

from __future__ import annotations

from tests import checklist


def test_every_number_has_a_row() -> None:
    assert checklist.rows(checklist.DOCUMENT.read_text("utf-8")) == list(checklist.NUMBERS)


def test_every_number_has_a_test() -> None:
    tests = checklist.tests()
    assert [number for number in checklist.NUMBERS if not tests.get(number)] == []


def test_the_table_names_the_tests_that_there_are() -> None:
    """Else: ``make checklist``."""
    text = checklist.DOCUMENT.read_text("utf-8")
    assert checklist.written(text, checklist.tests()) == text
