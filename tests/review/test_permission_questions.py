"""``has_perm`` answers about any object; what is no row of the kind is no."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from entities.models import Person, User


@pytest.mark.parametrize("thing", [Group(name="x"), object(), Person(last_name="x"), User])
def test_what_is_no_row_of_the_kind_is_refused(db: None, thing: object) -> None:
    boss = User(logon="boss", last_name="Boss", is_superuser=True)
    boss.save()
    assert boss.has_perm("entities.view_company")
    assert not boss.has_perm("entities.view_company", thing)
