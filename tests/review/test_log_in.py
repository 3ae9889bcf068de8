"""Where a log-in to the administration leads."""

from __future__ import annotations

import pytest
from django.test import Client

from entities.models import User


@pytest.mark.parametrize("wanted", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", ""])
def test_a_log_in_never_leads_to_another_site(db: None, wanted: str) -> None:
    user = User(logon="clerk", last_name="Clerk", is_staff=True)
    user.set_password("clerk's password")
    user.save()
    sent = {"username": "clerk", "password": "clerk's password", "next": wanted}
    answer = Client().post("/admin/login/", sent)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
