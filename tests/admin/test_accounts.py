"""The functions under the pages ask for the administrator themselves, whoever calls them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from entities.registry import registry
from security import accounts
from security.accounts import Account
from security.errors import NotPermitted, RecordNotFound
from security.history import history
from security.models import Token
from security.plan import Access, access_for
from security.sharing import share, shares

if TYPE_CHECKING:
    from tests.admin.world import World

Deed = Callable[[Access, "World"], object]
LATER = timezone.now() + timedelta(days=1)
DEEDS: dict[str, Deed] = {
    "read an account": lambda access, world: accounts.account(access, world.outsider.pk),
    "change an account": lambda access, world: accounts.set_account(access, world.outsider.pk, Account(staff=True)),
    "set a password": lambda access, world: accounts.set_password(access, world.outsider.pk, "a long secret"),
    "issue a token": lambda access, world: accounts.issue_token(access, world.clerk.pk, "x", LATER, read_only=True),
    "revoke tokens": lambda access, world: accounts.revoke_tokens(access, [1]),
    "list grants": lambda access, world: shares(access, registry()["Company"], world.company.pk),
    "share": lambda access, world: share(
        access, registry()["Company"], world.company.pk, "user", world.clerk.pk, {"view"}
    ),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS.keys())
def test_only_administrators_manage_accounts_tokens_and_grants(world: World, deed: Deed) -> None:
    with pytest.raises(NotPermitted):
        deed(access_for(world.clerk.pk), world)
    assert not Token.objects.exists()
    deed(access_for(world.boss.pk), world)


def test_a_missing_user_has_no_account(world: World) -> None:
    with pytest.raises(RecordNotFound):
        accounts.account(access_for(world.boss.pk), 987654)


def test_child_kinds_are_not_shared(world: World) -> None:
    with pytest.raises(NotPermitted):
        shares(access_for(world.boss.pk), registry()["Phone"], 1)


def test_the_trail_of_an_invisible_record_is_not_told(world: World) -> None:
    with pytest.raises(RecordNotFound):
        history(access_for(world.clerk.pk), registry()["Company"], world.invisible.pk)
