"""Clients generated from the served document, at work on a live server as people with restricted rights.

Not part of ``make test``, for not every machine has Node: ``make check-clients`` runs it. What is installed and
generated goes to ``.local/clients/``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.conftest import demo_database
from tests.api.serving import Served, served
from tests.api.wire import basic

__all__ = ["demo_database", "served"]  # fixtures
pytestmark = pytest.mark.django_db  # makes the test database
HERE = Path(__file__).parent
WORK = Path(".local/clients").resolve()
PEOPLE = {"susan": "yes", "olivia": "no"}  # may they delete what they made?


def run(*command: str | Path, cwd: Path = WORK) -> str:
    """Run a program to its end; fail with what it said."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-6000:]}{done.stderr[-6000:]}"
    return done.stdout


@pytest.fixture(params=PEOPLE)
def logon(request: pytest.FixtureRequest) -> str:
    """Return who the client works for."""
    found: str = request.param
    return found


@pytest.fixture
def document(served: Served, logon: str) -> Path:
    """Return the caller's own document, as served."""
    WORK.mkdir(parents=True, exist_ok=True)
    found = WORK / f"{logon}.json"
    found.write_bytes(served.send("GET", "$openapi", logon=logon)[2])
    return found


def arguments(document: Path, logon: str) -> list[str]:
    """Return what both clients are told: base, credentials, whether the caller may delete."""
    base = json.loads(document.read_text())["servers"][0]["url"]
    return [base, basic(logon), PEOPLE[logon]]


def test_a_python_client_works(document: Path, logon: str) -> None:
    tools = WORK / "venv/bin"
    uv = Path(sys.executable).parent / "uv"
    if not (tools / "python").exists():
        run(uv, "venv", "--quiet", "--python", sys.executable, WORK / "venv")
    locked = Path("requirements/clients.txt").resolve()
    run(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", tools / "python", locked)
    package = WORK / f"python-{logon}"
    os.environ["PATH"] = f"{tools}{os.pathsep}{os.environ['PATH']}"  # the generator formats with ruff
    made: list[str | Path] = [
        "generate",
        "--path",
        document,
        "--output-path",
        package,
        "--overwrite",
        "--fail-on-warning",
    ]
    run(tools / "openapi-python-client", *made)
    names = {path.name for path in (package / "parapet_crm_client/models").iterdir()}
    assert "company.py" in names
    assert ("comp_revenue" in (package / "parapet_crm_client/models/company.py").read_text()) == (logon == "susan")
    shutil.copy(HERE / "client.py", package)  # beside what was generated, where Python looks
    print(run(tools / "python", "client.py", *arguments(document, logon), cwd=package))


def test_a_typescript_client_works(document: Path, logon: str) -> None:
    assert shutil.which("npm"), "npm was not found: install Node.js 20 or newer."
    package = WORK / f"typescript-{logon}"
    package.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc", "tsconfig.json", "client.ts"):
        shutil.copy(HERE / name, package)
    run("npm", "ci", "--silent", "--no-audit", "--no-fund", cwd=package)
    # A member with a default may be left out of a body.
    run("npx", "openapi-typescript", document, "-o", "schema.d.ts", "--default-non-nullable", "false", cwd=package)
    assert ("Comp_Revenue" in (package / "schema.d.ts").read_text()) == (logon == "susan")
    run("npx", "tsc", "--project", ".", cwd=package)
    print(run("node", "built/client.js", document, *arguments(document, logon), cwd=package))
