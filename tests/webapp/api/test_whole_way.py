"""What the README tells a stranger to type, with curl, against all processes of the product."""

import json
import shutil
import subprocess
import time

import pytest

from tests.browser.site import PASSWORD, running_site
from tests.support.rasters import grid_of_rectangles, write_scene

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


def test_login_upload_status_export(site, tmp_path):
    site.person("dora")
    path = write_scene(tmp_path / "town.tif", SIZE_PX, grid_of_rectangles(SIZE_PX))
    credentials = json.dumps({"username": "dora", "password": PASSWORD})
    login = curl("-H", "Content-Type: application/json", "-d", credentials, f"{site.url}/api/v1/auth/login")
    tokens = json.loads(login)
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
