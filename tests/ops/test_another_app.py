"""An app with the models of docs/isv.md: its kind and its view are served, described and administered like ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from crm import localdb

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
from crm.settings import *
INSTALLED_APPS.insert(INSTALLED_APPS.index("security"), "yourapp")
"""
VISIT = """
import base64, json
from entities.registry import registry
from security import holders, totals
from django.test import Client
from entities.models import User

User.objects.create_superuser("boss", password="one-two-three")
credentials = base64.b64encode(b"boss:one-two-three").decode()
api = Client(SERVER_NAME="localhost", headers={"Authorization": f"Basic {credentials}"})
base = "/sdata/crmj/sagecrm2/-"
kind = f"{base}/Project"
created = api.post(kind, {"Proj_Name": "Harbour"}, content_type="application/json")
document = api.get("/openapi.json")
desk = Client(SERVER_NAME="localhost")
desk.login(username="boss", password="one-two-three")
noted = totals.noted(registry()["Project"])
said = {
    "noted": noted is not None and sorted(noted),
    "summarised": sorted(name for name in holders.summarised_tables() if name.startswith("yourapp")),
    "created": created.json().get("$title"),
    "found": api.get(f"{kind}s?where=proj_name+like+'harb%25'").json().get("$totalResults"),
    "view": [row["User_LastName"] for row in api.get(f"{base}/vProjectSummary").json()["$resources"]],
    "labels": api.get(f"{base}/captions?where=capt_code+eq+'Proj_Name'").json()["$totalResults"],
    "described": "Proj_Name" in document.json()["components"]["schemas"]["Project"]["properties"],
    "pages": [api.get(page).status_code for page in ("/openapi.yaml", "/docs/", f"{base}/$prototypes/Project")],
    "desk": [desk.get(f"/admin/yourapp/project/{page}").status_code for page in ("", "add/", "1/change/")],
}
print(json.dumps(said))
"""


def noting() -> str:
    """Return the migration of the guide."""
    snippets = re.findall(r"```py\n(.*?)```", (localdb.CLONE / "docs/isv.md").read_text(), re.DOTALL)
    (named,) = [snippet for snippet in snippets if "operations" in snippet]
    taken = "class Migration(migrations.Migration):\n    dependencies = dependencies\n    operations = operations\n"
    return f"from django.db import migrations\n{named}\n{taken}"


def manage(folder: Path, url: str, *words: str) -> str:
    """Run manage.py with the app in ``folder``; return the last line that it says."""
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=localdb.CLONE,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "with_app", "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (done.stdout.splitlines() or [""])[-1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the app of the guide, and settings that have it."""
    guide = (localdb.CLONE / "docs/isv.md").read_text()
    app = tmp_path / "yourapp"
    app.mkdir()
    (app / "__init__.py").touch()
    (app / "models.py").write_text("".join(re.findall(r"```python\n(.*?)```", guide, re.DOTALL)))
    (tmp_path / "with_app.py").write_text(SETTINGS)
    return tmp_path


def test_the_kind_of_another_app_is_served_described_and_administered(folder: Path) -> None:
    with localdb.throwaway() as url:
        manage(folder, url, "makemigrations", "yourapp")
        (folder / "yourapp/migrations/0002_noted.py").write_text(noting())
        manage(folder, url, "migrate")
        said = manage(folder, url, "shell", "-v", "0", "-c", VISIT)
    assert said == (
        '{"noted": ["name"], "summarised": ["yourapp_projectgroupgrant", "yourapp_projectusergrant"],'
        ' "created": "Harbour", "found": 1, "view": ["boss"], "labels": 1,'
        ' "described": true, "pages": [200, 200, 200], "desk": [200, 200, 200]}'
    )
