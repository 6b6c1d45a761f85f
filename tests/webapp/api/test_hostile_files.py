"""A dozen of the corpus through the API and a job; all of it goes through `./run bench hostile`."""

import json

import pytest

from models.job_states import JobState
from tests.processing.ingest.made_files import feature, squares
from tests.support.hostile.case import Door, Verdict
from tests.support.hostile.corpus import all_cases
from tests.support.hostile.lures import watched_lures
from tests.webapp.api.made_results import run_job

PATHS = {Door.IMAGE: "/api/v1/ml-processing/upload-image", Door.IMPORT: "/api/v1/imports"}
CHOSEN = (
    "next directory past the end",
    "one column of 2^31-1 rows",
    "sparse, 190 GB, all nodata",
    "GeoJSON 100,000 properties",
    "VRT with a pixel function",
    "line end",
    "right to left",
    "honest, a corner in a sparse file",
)


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_hostile_files_cost_nobody_anything(sqlite_api, alice, tmp_path):
    client = sqlite_api.program(alice)
    cases = {case.name: case for case in all_cases()}
    with watched_lures(tmp_path / "lures") as watch:
        for name in CHOSEN:
            case, path = cases[name], tmp_path / "file"
            case.write(path, watch.lures)
            head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + case.file_name + b'"\r\n\r\n'
            body = head + path.read_bytes() + b"\r\n--b--\r\n"
            answer = client.post(
                PATHS[case.door], content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
            )
            taken = answer.status_code == 202
            assert taken or (400 <= answer.status_code < 500 and answer.json()["code"]), (name, answer.text)
            assert case.verdict is Verdict.EITHER or taken is (case.verdict is Verdict.TAKEN), (name, answer.text)
            assert not list((sqlite_api.resources.settings.data_dir / "incoming").glob("*"))
            if name == CHOSEN[-1]:
                assert run_job(sqlite_api.resources, answer.json()["job_id"]) is JobState.SUCCEEDED
        assert watch.touched == 0
        watch.prove()
    assert all(scene["name"].isprintable() for scene in client.get("/api/v1/scenes").json()["scenes"])


def test_an_import_may_be_larger_than_other_requests(sqlite_api, alice):
    collection = {"type": "FeatureCollection", "features": [feature(squares(1)[0], note="x" * 8_500_000)]}
    content = json.dumps(collection).encode()
    answer = sqlite_api.program(alice).post(PATHS[Door.IMPORT], files={"file": ("large.geojson", content)})
    assert answer.status_code == 202, answer.text
    assert answer.json()["report"]["kept"] == 1
