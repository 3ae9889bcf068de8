"""Served under the second lock as the role that owns nothing, the contract answers what it answers without."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from security import row_policies
from tests.api.conftest import connected_to, copied
from tests.api.serving import Served, serving
from tests.api.wire import LOGONS
from tests.owner import as_owner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

CURSOR = re.compile(r"(?<=[?&]after=)[\w.-]+")  # sealed with a nonce of its own
ASKED = [
    "company?count=20&orderBy=Comp_UpdatedDate desc&totals=exact",
    "company?count=5&include=person,address&where=Comp_Name like 'A%25'",
    "company('2')",
    "company('2')/person",
    "person?count=20",
    "cases?count=10&labels=true",
    "opportunity?count=10",
    "quotes?count=5&include=quoteitems",
    "address?count=20",
    "phone?count=20",
    "notes?count=10",
    "vAddressCompany?count=10",
    "Custom_Captions?count=10",
    "users?count=50",
    "company('2')/$explain",
    "company('999999')",
    "$prototypes/company",
]


@pytest.fixture(scope="module")
def two(
    demo_database: str, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Served, Served]]:
    """One locked database, served by its owner, whom nothing binds, and by the application's role."""
    name, logs = f"{demo_database}_locked", tmp_path_factory.mktemp("locked")
    with django_db_blocker.unblock(), copied(demo_database, name):
        with connected_to(name), as_owner():
            role = row_policies.put_in_place()
        with (
            serving(name, logs / "owner", ROW_SECURITY="off", DATABASE_ROLE="") as owner,
            serving(name, logs / "locked", ROW_SECURITY="on", DATABASE_ROLE=role) as locked,
        ):
            yield owner, locked


def sent(served: Served, method: str, path: str, logon: str, body: Any = None, **headers: str) -> tuple[int, str, str]:
    """Return status, entity tag and body of an answer, without what tells the servers apart."""
    status, given, content = served.send(method, path, body, logon, X_Request_Id="still", **headers)
    alike = CURSOR.sub("", content.decode().replace(f":{served.port}", ""))
    return status, given.get("ETag", ""), alike


@pytest.mark.parametrize("logon", LOGONS)
def test_the_second_lock_changes_no_answer(two: tuple[Served, Served], logon: str) -> None:
    owner, locked = two
    statuses: set[tuple[int, str]] = set()
    for path in ASKED:
        plain, under = (sent(served, "GET", path, logon) for served in (owner, locked))
        assert under == plain, path
        statuses.add((plain[0], path))
    refused = {path for status, path in statuses if status != 200}
    if logon in ("admin", "susan"):  # who may read all of it
        assert refused == {"company('999999')"}


def test_writes_are_stored_and_refused_as_ever(two: tuple[Served, Served]) -> None:
    owner, locked = two
    made = locked.json("POST", "company", {"Comp_Name": "Locked & Sons", "Phone": [{"Phon_Number": "12"}]}, "susan")
    path = f"company('{made['$key']}')"
    assert owner.json("GET", path, None, "susan")["Comp_Name"] == "Locked & Sons"
    tag = locked.send("GET", path, None, "susan")[1]["ETag"]
    assert locked.send("PATCH", path, {"Comp_Name": "Renamed"}, "susan", If_Match=tag)[0] == 200
    assert locked.send("PATCH", path, {"Comp_Name": "Lost"}, "susan", If_Match=tag)[0] == 412
    assert locked.send("PATCH", path, {"Comp_Name": "Stolen"}, "olivia")[0] in (403, 404)
    batch = {"$resources": [{"$method": "POST", "$resourceKind": "Person", "Pers_LastName": "Batch"}]}
    assert locked.send("POST", "$batch", batch, "susan")[0] == owner.send("POST", "$batch", batch, "susan")[0]
    assert locked.send("DELETE", path, None, "admin")[0] in (200, 204)
    assert locked.send("GET", path, None, "susan")[0] == owner.send("GET", path, None, "susan")[0] == 404
