"""What the README tells a stranger to type, with curl, against all processes of the product."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.browser.site import PASSWORD, running_site
from tests.support.launched import ROOT, plain_environment
from tests.support.rasters import grid_of_rectangles, write_scene
from tests.support.readme import blocks_below

SIZE_PX = (400, 500)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with running_site(tmp_path_factory.mktemp("site"), window_s=0.0) as running:
        yield running


def curl(*arguments):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    return subprocess.run(
        ["curl", "-sS", "--fail-with-body", *arguments], capture_output=True, check=True, text=True
    ).stdout


def signed_in(site, username):
    site.person(username)
    credentials = json.dumps({"username": username, "password": PASSWORD})
    return json.loads(curl("-H", "Content-Type: application/json", "-d", credentials, f"{site.url}/api/v1/auth/login"))


def test_login_upload_status_export(site, tmp_path):
    path = write_scene(tmp_path / "town.tif", SIZE_PX, grid_of_rectangles(SIZE_PX))
    tokens = signed_in(site, "dora")
    assert set(tokens) == {"access_token", "refresh_token", "token_type", "expires_in"}
    bearer = ("-H", f"Authorization: Bearer {tokens['access_token']}")
    accepted = json.loads(curl(*bearer, "-F", f"file=@{path}", f"{site.url}/api/v1/ml-processing/upload-image"))
    url = f"{site.url}/api/v1/ml-processing/task-status/{accepted['task_id']}"
    deadline = time.monotonic() + 120
    while True:
        status = json.loads(curl(*bearer, url))
        if status["status"] not in ("queued", "running"):
            break
        assert time.monotonic() < deadline, status
        time.sleep(0.3)
    assert (status["status"], status["percent_completed"]) == ("succeeded", 100.0), status
    query = f"job_id={accepted['job_id']}&format=geojson"
    collection = json.loads(curl(*bearer, f"{site.url}/api/v1/buildings/export?{query}"))
    assert len(collection["features"]) == status["footprint_count"] == len(grid_of_rectangles(SIZE_PX))
    health = json.loads(curl(f"{site.url}/health"))
    assert health["status"] == "ok"


def test_the_python_client_of_the_readme(site, tmp_path):
    write_scene(tmp_path / "scene.tif", SIZE_PX, grid_of_rectangles(SIZE_PX))
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    (script,) = blocks_below("A Python client", "python")
    (tmp_path / "client.py").write_text(script)
    token = signed_in(site, "eve")["access_token"]
    commands = "\n".join(blocks_below("A Python client", "bash"))

    said = in_shell(commands, tmp_path, B=site.url, A=f"Authorization: Bearer {token}")

    buildings = json.loads((tmp_path / "footprints.geojson").read_text())["features"]
    assert len(buildings) == len(grid_of_rectangles(SIZE_PX))
    assert f"{len(buildings)} buildings in footprints.geojson" in said
    assert "WARNING" not in said, "an operation is left out of generated clients"
    assert script.count("\n") < 40


def in_shell(commands, folder, **variables):
    """Run commands as a person would, with the programs of the environment that the tests run in."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=plain_environment(PATH=path) | variables,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout + ended.stderr
