import http.client
import socket
import subprocess
import threading
import time

import numpy as np
import pytest
import shapely

from models.job_states import JobState
from tests.processing.made_scenes import write_scene as write_bands
from tests.support.rasters import grid_of_rectangles, write_scene
from tests.webapp.api.bad_rasters import BAD, GOOD, UTM
from tests.webapp.api.made_results import SIZE_PX, make_result, run_job
from webapp.api import receiving
from webapp.services import footprints
from webapp.services.footprints import FootprintQuery

UPLOAD = "/api/v1/ml-processing/upload-image"


def nothing_left(api):
    """Nothing of a refused upload: no spooled file, no stored file, no scene, no job."""
    data = api.resources.settings.data_dir
    spooled = list((data / "incoming").glob("*")) if (data / "incoming").is_dir() else []
    stored = [path for path in (data / "objects").rglob("*") if path.is_file()]
    return not spooled and not stored


def send(client, path, **fields):
    with path.open("rb") as file:
        return client.post(UPLOAD, files={"file": (path.name, file)}, data=fields)


def put(client, path, name=None):
    with path.open("rb") as file:
        return client.put("/api/v1/scenes", params={"name": name or path.name}, content=file)


def test_from_login_to_download_as_with_curl(api, alice, tmp_path):
    path = write_scene(tmp_path / "town.tif", SIZE_PX, grid_of_rectangles(SIZE_PX))
    client = api.program(alice)
    accepted = send(client, path, min_confidence="0.4", regularize="false", regularization_corner_cost="0.01")
    assert accepted.status_code == 202
    body = accepted.json()
    assert set(body) == {"task_id", "job_id", "scene_id", "status", "status_url"}
    assert body["task_id"] == body["job_id"]
    assert body["status"] == "queued"
    assert accepted.headers["location"] == body["status_url"]
    status = client.get(body["status_url"]).json()
    assert (status["status"], status["percent_completed"], status["error"]) == ("queued", 0.0, None)
    job = client.get(f"/api/v1/jobs/{body['job_id']}").json()
    assert job["params"]["min_confidence"] == 0.4
    assert job["params"]["regularize"] is False
    assert job["params"]["regularization"]["corner_cost"] == 0.01

    assert run_job(api.resources, body["job_id"]) is JobState.SUCCEEDED
    status = client.get(body["status_url"]).json()
    assert (status["status"], status["percent_completed"]) == ("succeeded", 100.0)
    assert status["windows_done"] == status["windows_total"] > 10
    assert status["footprint_count"] == len(grid_of_rectangles(SIZE_PX))
    assert status["messages"][-1]["text"].startswith("Finished")
    log = client.get(f"/api/v1/jobs/{body['job_id']}/logs").json()["messages"]
    assert log == status["messages"]

    download = client.get("/api/v1/buildings/export", params={"job_id": body["job_id"], "format": "geojson"})
    assert download.headers["content-type"] == "application/geo+json"
    expected = footprints.list_footprints(api.resources, alice, FootprintQuery(job_id=body["job_id"]))
    found = shapely.from_geojson([str(f["geometry"]).replace("'", '"') for f in download.json()["features"]])
    assert len(found) == len(expected) == status["footprint_count"]
    assert np.abs(shapely.area(found) - shapely.area(expected.geometry.to_numpy())).max() < 1e-12


def test_a_scene_by_put_then_a_job_on_a_region_of_it(api, alice, tmp_path):
    path = write_scene(tmp_path / "town.tif", SIZE_PX, grid_of_rectangles(SIZE_PX))
    client = api.program(alice)
    answer = put(client, path, "../../Straße ä.tif")
    assert answer.status_code == 201
    scene = answer.json()
    assert (scene["name"], scene["width_px"], scene["height_px"], scene["epsg"]) == ("Straße ä.tif", 500, 400, 32616)
    assert scene["size_bytes"] == path.stat().st_size
    assert client.get(f"/api/v1/scenes/{scene['id']}").json() == scene
    west, south, east, north = scene["bounds_deg"]
    region = shapely.geometry.mapping(shapely.box(west, south, (west + east) / 2, north))
    accepted = client.post(
        "/api/v1/ml-processing/extract-buildings",
        json={"scene_id": scene["id"], "aoi": region, "parameters": {"window_px": 256}},
    )
    assert accepted.status_code == 202
    assert run_job(api.resources, accepted.json()["job_id"]) is JobState.SUCCEEDED
    count = client.get("/api/v1/buildings", params={"job_id": accepted.json()["job_id"]}).json()["numberMatched"]
    assert 0 < count < len(grid_of_rectangles(SIZE_PX))
    assert client.delete(f"/api/v1/scenes/{scene['id']}").status_code == 204
    assert nothing_left(api)


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_refused_with_its_code_and_leaves_nothing(sqlite_api, alice, tmp_path, kind):
    make, status, code = BAD[kind]
    path = make(tmp_path / "bad.tif")
    client = sqlite_api.program(alice)
    for answer in (send(client, path), put(client, path)):
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert "bad.tif" in answer.json()["detail"]
        assert str(tmp_path) not in answer.text
    assert nothing_left(sqlite_api)
    assert client.get("/api/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize("kind", GOOD)
def test_an_unusual_but_honest_file_is_taken_and_shown(sqlite_api, alice, tmp_path, kind):
    client = sqlite_api.program(alice)
    answer = put(client, GOOD[kind](tmp_path / "good.tif"))
    assert answer.status_code == 201, answer.text
    scene = answer.json()
    lon, lat = shapely.geometry.shape(scene["outline_geojson"]).representative_point().coords[0]
    z = 17
    x = int((lon + 180) / 360 * 2**z)
    y = int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * 2**z)
    tile = client.get(f"/tiles/scenes/{scene['id']}/{z}/{x}/{y}.png")
    empty = client.get(f"/tiles/scenes/{scene['id']}/{z}/{x}/{y - 9}.png")
    assert tile.status_code == empty.status_code == 200
    assert len(tile.content) > 2 * len(empty.content)
    accepted = client.post("/api/v1/ml-processing/extract-buildings", json={"scene_id": scene["id"]})
    assert accepted.status_code == 202


def test_pixels_of_four_metres_are_refused_at_once_and_leave_nothing(sqlite_api, alice, tmp_path):
    path = write_bands(tmp_path / "coarse.tif", np.full((3, 300, 300), 90, np.uint8), transform=UTM @ UTM.scale(13.4))
    client = sqlite_api.program(alice)
    answer = send(client, path)
    assert (answer.status_code, answer.json()["code"]) == (422, "PixelSizeTooLarge")
    assert client.get("/api/v1/scenes").json()["scenes"] == []
    assert client.get("/api/v1/jobs").json()["jobs"] == []


@pytest.mark.parametrize(
    ("region", "code"),
    [
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}, "AoiOutsideScene"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0]]]}, "AoiInvalid"),
        ({"type": "Point", "coordinates": [0, 0]}, "AoiInvalid"),
        ({"type": "Polygon", "coordinates": "here"}, "AoiInvalid"),
        ({}, "AoiInvalid"),
    ],
)
def test_a_region_that_cannot_be_used_makes_no_job(sqlite_api, alice, tmp_path, region, code):
    client = sqlite_api.program(alice)
    scene_id = put(client, write_scene(tmp_path / "town.tif")).json()["id"]
    answer = client.post("/api/v1/ml-processing/extract-buildings", json={"scene_id": scene_id, "aoi": region})
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text
    assert client.get("/api/v1/jobs").json()["jobs"] == []


def test_a_bow_tie_is_mended_or_refused_but_never_breaks(sqlite_api, alice, tmp_path):
    client = sqlite_api.program(alice)
    scene = put(client, write_scene(tmp_path / "town.tif")).json()
    west, south, east, north = scene["bounds_deg"]
    bow_tie = [[west, south], [east, north], [east, south], [west, north], [west, south]]
    answer = client.post(
        "/api/v1/ml-processing/extract-buildings",
        json={"scene_id": scene["id"], "aoi": {"type": "Polygon", "coordinates": [bow_tie]}},
    )
    if answer.status_code == 422:
        assert answer.json()["code"] == "AoiInvalid"
    else:
        assert answer.status_code == 202
        aoi = client.get(f"/api/v1/jobs/{answer.json()['job_id']}").json()["aoi_geojson"]
        assert shapely.geometry.shape(aoi).is_valid


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"min_confidence": 2}, "min_confidence"),
        ({"min_confidence": "high"}, "min_confidence"),
        ({"window_px": 1}, "window_px"),
        ({"regularize": "maybe"}, "regularize"),
        ({"regularization": "auto"}, "regularization"),
        ({"regularization": {"method": "best"}}, "regularization.method"),
        ({"regularization": {"min_iou": 2}}, "regularization.min_iou"),
        ({"gsd_m": -1}, "gsd_m"),
        ({"unknown": 1}, "unknown"),
        ({"weights": "/etc/evil.onnx"}, "weights"),
        ({"weights": "../evil.onnx"}, "weights"),
    ],
)
def test_a_wrong_parameter_is_named(shared_api, sam, parameters, named):
    answer = shared_api.program(sam).post(
        "/api/v1/ml-processing/extract-buildings", json={"scene_id": "x", "parameters": parameters}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "ParameterInvalid")
    assert answer.json()["parameters"]["parameter"] == named


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"min_confidence": "nan"}, "ParameterInvalid"),
        ({"gsd_m": "wide"}, "ParameterInvalid"),
        ({"regularize": "maybe"}, "ParameterInvalid"),
        ({"regularization_method": "best"}, "ParameterInvalid"),
        ({"regularization_tolerance_px": "0"}, "ParameterInvalid"),
        ({"weights": "../evil"}, "ParameterInvalid"),
        ({"weights": "nothing"}, "WeightsUnknown"),
    ],
)
def test_a_wrong_form_field_leaves_nothing(sqlite_api, alice, tmp_path, fields, code):
    answer = send(sqlite_api.program(alice), write_scene(tmp_path / "town.tif"), **fields)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert nothing_left(sqlite_api)


def test_forms_that_are_no_upload(sqlite_api, alice):
    client = sqlite_api.program(alice)
    two = [("file", ("a.tif", b"II*\0")), ("file", ("b.tif", b"II*\0"))]
    cases = [
        (client.post(UPLOAD, json={"file": "x"}), 415, "MediaTypeNotAllowed"),
        (client.post(UPLOAD, data={"file": "x"}), 415, "MediaTypeNotAllowed"),
        (client.post(UPLOAD, files={"image": ("a.tif", b"x")}), 422, "RequestInvalid"),
        (client.post(UPLOAD, files={"file": (None, "x")}), 422, "RequestInvalid"),
        (client.post(UPLOAD, files=two), 422, "RequestInvalid"),
        (client.post(UPLOAD, files={"file": ("a.tif", b"x")}, data={"owner_id": "1"}), 422, "RequestInvalid"),
        (client.post(UPLOAD, files={"file": ("a.tif", b"x")}, data={"gsd_m": "1" * 500}), 422, "RequestInvalid"),
        (client.post(UPLOAD, content=b"--b\r\nno", headers=multipart("b")), 422, "RequestInvalid"),
        (client.post(UPLOAD, content=b"nonsense", headers=multipart("b")), 422, "RequestInvalid"),
        (client.post(UPLOAD, content=b"", headers=multipart("b")), 422, "RequestInvalid"),
        (client.post(UPLOAD, content=part("b") + b"II*\0", headers=multipart("b")), 422, "RequestInvalid"),
        (
            client.put("/api/v1/scenes?name=a.tif", content=b"x", headers={"Content-Encoding": "gzip"}),
            415,
            "MediaTypeNotAllowed",
        ),
        (client.put("/api/v1/scenes", content=b"x"), 422, "RequestInvalid"),
    ]
    for answer, status, code in cases:
        assert (answer.status_code, answer.json()["code"]) == (status, code), (answer.request.content[:80], answer.text)
    assert nothing_left(sqlite_api)


def multipart(boundary):
    return {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def part(boundary, name="a.tif"):
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    return head.encode()


@pytest.mark.parametrize(
    "name", ["../../x.tif", "..\\x.tif", "/etc/passwd", "a\x07b.tif", "\u202egpj.tif", "x" * 400, ""]
)
def test_names_are_only_names(sqlite_api, alice, tmp_path, name):
    content = write_scene(tmp_path / "town.tif").read_bytes()
    body = part("b", name.encode("unicode_escape").decode() if "\x07" in name else name) + content + b"\r\n--b--\r\n"
    answer = sqlite_api.program(alice).post(UPLOAD, content=body, headers=multipart("b"))
    assert answer.status_code == 202, answer.text
    scene = sqlite_api.program(alice).get("/api/v1/scenes").json()["scenes"][0]
    assert "/" not in scene["name"]
    assert "\u202e" not in scene["name"]
    assert 0 < len(scene["name"]) <= 200


def test_more_than_the_limit_is_refused_early_with_and_without_a_length(make_resources, serve, sqlite_api, alice):
    limit = 3_000_000
    api = serve(make_resources(upload_limit_bytes=limit))
    client = api.program(alice)

    def endless():
        for _ in range(300):
            yield b"x" * 65_536

    def form():
        yield part("b")
        yield from endless()

    for method, url, content, headers in (
        ("PUT", "/api/v1/scenes?name=a.tif", endless(), {}),
        ("POST", UPLOAD, form(), multipart("b")),
    ):
        answer = client.request(method, url, content=content, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (413, "UploadTooLarge")
        assert nothing_left(api)
    announced = client.put("/api/v1/scenes?name=a.tif", content=b"x" * (limit + 1))
    assert (announced.status_code, announced.json()["code"]) == (413, "UploadTooLarge")
    assert client.put("/api/v1/scenes?name=a.tif", content=b"x" * limit).json()["code"] == "NotARaster"


@pytest.mark.parametrize("way", ["multipart", "raw", "chunked"])
def test_an_upload_that_is_cut_off_half_way_leaves_nothing(sqlite_api, alice, way):
    host, port = sqlite_api.url.removeprefix("http://").split(":")
    authorization = sqlite_api.program(alice).headers["Authorization"]
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.putrequest(
        "POST" if way == "multipart" else "PUT", UPLOAD if way == "multipart" else "/api/v1/scenes?name=a.tif"
    )
    connection.putheader("Authorization", authorization)
    if way == "multipart":
        connection.putheader("Content-Type", "multipart/form-data; boundary=b")
    connection.putheader(*(("Transfer-Encoding", "chunked") if way == "chunked" else ("Content-Length", "50000000")))
    connection.endheaders()
    piece = (part("b") if way == "multipart" else b"") + b"II*\0" + b"x" * 5_000_000
    connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if way == "chunked" else piece)
    incoming = sqlite_api.resources.settings.data_dir / "incoming"
    wait_for(lambda: any(path.stat().st_size > 1_000_000 for path in incoming.glob("*")))
    connection.sock.shutdown(socket.SHUT_RDWR)
    connection.close()
    wait_for(lambda: nothing_left(sqlite_api))
    assert sqlite_api.program(alice).get("/api/v1/scenes").json()["scenes"] == []


def test_an_upload_that_stalls_is_given_up(sqlite_api, alice, monkeypatch):
    monkeypatch.setattr(receiving, "STALL_S", 1.0)
    host, port = sqlite_api.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        head = "PUT /api/v1/scenes?name=a.tif HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n"
        token = sqlite_api.program(alice).headers["Authorization"]
        connection.sendall(f"{head}Authorization: {token}\r\n\r\n".encode() + b"x" * 1000)
        answer = connection.recv(65_536).decode()
    assert answer.startswith("HTTP/1.1 408")
    assert "UploadStalled" in answer or nothing_left(sqlite_api)
    wait_for(lambda: nothing_left(sqlite_api))


def wait_for(holds, timeout_s=10):
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 8 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("a small file system needs the right to mount one")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("way", ["multipart", "raw"])
def test_a_full_disk_is_said_so_leaves_nothing_and_recovers(make_resources, serve, sqlite_api, alice, small_disk, way):
    resources = make_resources(data_dir=small_disk, free_disk_bytes=0)
    api = serve(resources)
    client = api.program(alice)

    def content():
        yield part("b") if way == "multipart" else b""
        for _ in range(20):
            yield b"x" * 1_000_000

    headers = multipart("b") if way == "multipart" else {}
    method, url = ("POST", UPLOAD) if way == "multipart" else ("PUT", "/api/v1/scenes?name=a.tif")
    answer = client.request(method, url, content=content(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (507, "DiskFull")
    assert not list((small_disk / "incoming").glob("*"))
    small = client.put("/api/v1/scenes?name=a.tif", content=b"plain text")
    assert small.json()["code"] == "NotARaster"


def test_little_free_space_is_said_before_anything_is_written(make_resources, serve, sqlite_api, alice):
    api = serve(make_resources(free_disk_bytes=10**15))
    answer = api.program(alice).put("/api/v1/scenes?name=a.tif", content=b"II*\0")
    assert (answer.status_code, answer.json()["code"]) == (507, "DiskFull")


def test_eight_uploads_at_once(sqlite_api, alice, tmp_path):
    content = write_scene(tmp_path / "town.tif").read_bytes()
    statuses = []

    def upload(index):
        statuses.append(
            sqlite_api.program(alice).put(f"/api/v1/scenes?name=town{index}.tif", content=content).status_code
        )

    threads = [threading.Thread(target=upload, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [201] * 8
    assert len(sqlite_api.program(alice).get("/api/v1/scenes").json()["scenes"]) == 8


def test_a_scene_with_an_open_job_stays(sqlite_api, alice, tmp_path):
    result = make_result(sqlite_api.resources, alice, tmp_path)
    client = sqlite_api.program(alice)
    client.post("/api/v1/ml-processing/extract-buildings", json={"scene_id": result.scene_id})
    answer = client.delete(f"/api/v1/scenes/{result.scene_id}")
    assert (answer.status_code, answer.json()["code"]) == (409, "SceneInUse")
