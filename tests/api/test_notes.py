"""Notes: texts about a record of one of several kinds, which owns them (entities.md §3.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.api.wire import at

if TYPE_CHECKING:
    from tests.api.wire import Wire

OWNERS = ("Company", "Person", "Opportunity", "Cases", "Quotes")


@pytest.mark.parametrize("owner", OWNERS)
def test_a_note_is_created_below_its_owner_and_goes_with_it(admin: Wire, owner: str) -> None:
    record = admin.entry(owner, count=1, where="$key gt 1")["$resources"][0]
    made = admin.post(f"{at(owner, record['$key'])}/notes", {"note_note": "Wants one contact."})
    assert made.status == 201
    key = made.json["$key"]
    assert made.json[owner] == {name: record[name] for name in ("$key", "$url", "$title")}
    assert key in admin.keys(f"{at(owner, record['$key'])}/Notes", count=1000)
    assert admin.delete(at(owner, record["$key"])).status == 204
    assert admin.get(at("Notes", key)).status == 404


def test_the_title_of_a_note_is_its_first_60_characters(admin: Wire) -> None:
    text = "Ein langer Text über alles, was beim Besuch in Köln besprochen wurde, und mehr"
    made = admin.post("company('43')/notes", {"note_note": text}).json
    assert made["$title"] == text[:60]
    assert admin.entry(f"notes({made['$key']})")["Note_Note"] == text


def test_a_note_needs_a_text_and_an_owner_that_has_notes(admin: Wire) -> None:
    assert admin.post("company('43')/notes", {"note_note": ""}).code == "Required"
    for table, key in ((5, 10**8), (121, 1), (999, 1)):
        refused = admin.post("notes", {"note_note": "Lost", "note_foreigntableid": table, "note_foreignid": key})
        assert (refused.status, refused.code) == (400, "BadReference")


def test_the_owner_of_a_note_is_fixed(admin: Wire) -> None:
    key = admin.keys("company('43')/notes")[0]
    assert admin.patch(at("Notes", key), {"note_foreignid": 2}).code == "ReadOnly"
    assert admin.patch(at("Notes", key), {"note_note": "Corrected"}).status == 200


def test_notes_of_an_invisible_owner_do_not_exist(admin: Wire, peter: Wire) -> None:
    opportunity = admin.keys("opportunity", count=1)[0]
    made = admin.post(f"{at('Opportunity', opportunity)}/notes", {"note_note": "Secret"}).json["$key"]
    assert admin.get(at("Notes", made)).status == 200
    assert peter.get(at("Notes", made)).status == 404
    assert peter.entry("notes", where="note_foreigntableid eq 102")["$totalResults"] == 0
