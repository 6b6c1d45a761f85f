import base64
import hashlib
import os
import socket
import threading
import time

import pytest
from sqlalchemy import update

from auth.principals import SYSTEM
from models.upload import ResumableUpload
from processing.errors import RasterUnreadable
from tests.processing.ingest.made_files import frame, write
from tests.support.rasters import write_scene
from webapp.errors import StorageUnavailable
from webapp.services import resumable_uploads, scenes
from webapp.services.api_keys import create_key
from webapp.services.part_files import parts_folder
from webapp.services.resumable_uploads import remove_expired_uploads

UPLOADS = "/api/v1/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = TUS | {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture(scope="module")
def scene_bytes(tmp_path_factory):
    return write_scene(tmp_path_factory.mktemp("scene") / "town.tif").read_bytes()


def metadata(**values):
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def begin(client, length, content=b"", **said):
    headers = (PIECE if content else TUS) | {"Upload-Length": str(length)}
    headers["Upload-Metadata"] = metadata(**({"filename": "town.tif"} | said))
    return client.post(UPLOADS, headers=headers, content=content)


def add(client, url, offset, content, **headers):
    return client.patch(url, headers=PIECE | {"Upload-Offset": str(offset)} | headers, content=content)


def offset_of(client, url):
    return int(client.head(url, headers=TUS).headers["Upload-Offset"])


def left_in(api):
    return [path.name for path in (api.resources.settings.data_dir / "incoming").rglob("*") if path.is_file()]


def test_a_scene_in_three_pieces_is_the_same_scene(api, alice, scene_bytes):
    client = api.program(alice)
    begun = begin(client, len(scene_bytes))
    assert begun.status_code == 201
    assert begun.headers["Upload-Offset"] == "0"
    assert begun.headers["Tus-Resumable"] == "1.0.0"
    assert "GMT" in begun.headers["Upload-Expires"]
    url, third = begun.headers["Location"], len(scene_bytes) // 3
    for start, end in ((0, third), (third, 2 * third), (2 * third, len(scene_bytes))):
        assert offset_of(client, url) == start
        answer = add(client, url, start, scene_bytes[start:end])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(end)), answer.text
    found = client.get(url).json()
    assert (found["state"], found["offset_bytes"]) == ("finished", len(scene_bytes))
    assert f"</api/v1/scenes/{found['scene_id']}>" in answer.headers["Link"]
    file = client.get("/api/v1/files").json()["files"][0]
    assert (file["sha256"], file["scene_id"]) == (hashlib.sha256(scene_bytes).hexdigest(), found["scene_id"])
    assert left_in(api) == []
    head = client.head(url, headers=TUS)
    assert (head.headers["Upload-Offset"], head.headers["Upload-Length"]) == (str(len(scene_bytes)),) * 2
    assert add(client, url, 0, b"x").json()["code"] == "UploadClosed"


def test_what_comes_of_it_is_what_its_purpose_says(sqlite_api, alice, scene_bytes, tmp_path):
    client = sqlite_api.program(alice)
    said = {"purpose": "extraction", "min_confidence": "0.4", "regularize": "false"}
    begun = begin(client, len(scene_bytes), scene_bytes, **said)
    assert (begun.status_code, begun.headers["Upload-Offset"]) == (201, str(len(scene_bytes))), begun.text
    found = client.get(begun.headers["Location"]).json()
    job = client.get(f"/api/v1/jobs/{found['job_id']}").json()
    assert (job["scene_id"], job["params"]["min_confidence"], job["params"]["regularize"]) == (
        found["scene_id"],
        0.4,
        False,
    )
    roofs = write(frame(), tmp_path / "roofs.geojson").read_bytes()
    begun = begin(client, len(roofs), roofs, purpose="import", filename="roofs.geojson", source_id_column="source")
    imported = client.get(f"/api/v1/imports/{client.get(begun.headers['Location']).json()['import_id']}").json()
    assert imported["report"]["kept"] == 6


def test_a_refused_file_is_gone_and_says_why(sqlite_api, alice):
    client = sqlite_api.program(alice)
    url = begin(client, 10).headers["Location"]
    answer = add(client, url, 0, b"plain text")
    assert (answer.status_code, answer.json()["code"]) == (415, "NotARaster")
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    found = client.get(url).json()
    assert (found["state"], found["error"]["code"]) == ("refused", "NotARaster")
    assert client.head(url, headers=TUS).status_code == 409
    assert left_in(sqlite_api) == []
    assert client.get("/api/v1/scenes").json()["scenes"] == []


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"Upload-Length": "x"}, 422, "RequestInvalid"),
        ({"Upload-Length": "9" * 19}, 422, "RequestInvalid"),
        ({"Upload-Length": "0"}, 400, "UploadEmpty"),
        ({"Upload-Length": str(10**11)}, 413, "UploadTooLarge"),
        ({"Upload-Metadata": ""}, 422, "RequestInvalid"),
        ({"Upload-Metadata": "filename !!!"}, 422, "RequestInvalid"),
        ({"Upload-Metadata": "filename YQ==,filename YQ=="}, 422, "RequestInvalid"),
        ({"Upload-Metadata": metadata(filename="a", owner_id="1")}, 422, "RequestInvalid"),
        ({"Upload-Metadata": metadata(filename="a", purpose="evil")}, 422, "RequestInvalid"),
        ({"Upload-Metadata": metadata(filename="a", purpose="extraction", gsd_m="wide")}, 422, "ParameterInvalid"),
        ({"Upload-Metadata": metadata(filename="a" * 9000)}, 422, "RequestInvalid"),
        ({"Tus-Resumable": "0.2.2"}, 412, "ProtocolVersionUnknown"),
    ],
)
def test_an_upload_that_cannot_be_is_not_begun(shared_api, sam, change, status, code):
    headers = TUS | {"Upload-Length": "10", "Upload-Metadata": metadata(filename="a.tif")} | change
    answer = shared_api.program(sam).post(UPLOADS, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert ("Tus-Version" in answer.headers) is (status == 412)


def test_the_protocol_is_described(shared_api, sam):
    answer = shared_api.program(sam).options(UPLOADS)
    assert answer.status_code == 204
    assert set(answer.headers["Tus-Extension"].split(",")) >= {"creation", "termination", "expiration", "checksum"}
    assert int(answer.headers["Tus-Max-Size"]) == shared_api.resources.settings.upload_limit_bytes


def test_pieces_that_do_not_fit_change_nothing(sqlite_api, alice, bob):
    client = sqlite_api.program(alice)
    url = begin(client, 1000).headers["Location"]
    assert add(client, url, 0, b"a" * 400).status_code == 204
    cases = [
        (add(client, url, 0, b"x"), 409, "UploadOffsetWrong"),
        (add(client, url, 399, b"x"), 409, "UploadOffsetWrong"),
        (add(client, url, 400, b"x" * 601), 413, "UploadTooLarge"),
        (add(client, url, 400, iter([b"x" * 500, b"x" * 101])), 413, "UploadTooLarge"),
        (add(client, url, 400, b"x", **{"Content-Type": "text/plain"}), 415, "MediaTypeNotAllowed"),
        (add(client, url, 400, b"x", **{"Content-Encoding": "gzip"}), 415, "MediaTypeNotAllowed"),
        (client.patch(url, headers=PIECE, content=b"x"), 422, "RequestInvalid"),
        (add(client, url, 400, b"x", **{"Upload-Checksum": "md5 YQ=="}), 422, "RequestInvalid"),
        (add(sqlite_api.program(bob), url, 400, b"x"), 404, "NotFound"),
    ]
    for answer, status, code in cases:
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert offset_of(client, url) == 400
    assert sqlite_api.program(bob).delete(url).status_code == 404
    assert client.delete(url).status_code == 204
    assert client.head(url).status_code == 404
    assert left_in(sqlite_api) == []


def test_a_damaged_piece_is_not_taken(sqlite_api, alice):
    client = sqlite_api.program(alice)
    url = begin(client, 1000).headers["Location"]
    right = "sha1 " + base64.b64encode(hashlib.sha1(b"right").digest()).decode()
    answer = add(client, url, 0, b"wrong", **{"Upload-Checksum": right})
    assert (answer.status_code, answer.json()["code"], offset_of(client, url)) == (460, "ChecksumWrong", 0)
    assert add(client, url, 0, b"right", **{"Upload-Checksum": right}).status_code == 204
    assert offset_of(client, url) == 5


def raw_piece(api, principal, url, offset, announced, content):
    """Send a part of a piece over a socket of its own, which stays open."""
    host, port = api.url.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=20)
    token = api.program(principal).headers["Authorization"]
    lines = [f"PATCH {url} HTTP/1.1", "Host: localhost", f"Authorization: {token}", f"Content-Length: {announced}"]
    lines += [f"Upload-Offset: {offset}", *(f"{name}: {value}" for name, value in PIECE.items())]
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + content)
    return connection


def wait_for(holds, timeout_s=15):
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def test_what_came_before_the_line_broke_stays(sqlite_api, alice):
    client = sqlite_api.program(alice)
    url = begin(client, 5_000_000).headers["Location"]
    connection = raw_piece(sqlite_api, alice, url, 0, 5_000_000, b"x" * 3_200_000)
    wait_for(
        lambda: any(path.stat().st_size > 2_000_000 for path in parts_folder(sqlite_api.resources).glob("*.bytes"))
    )
    connection.close()
    wait_for(lambda: offset_of(client, url) == 3_200_000)


def test_a_connection_that_went_silent_is_given_up_for_the_next(sqlite_api, alice):
    client = sqlite_api.program(alice)
    url = begin(client, 5_000_000).headers["Location"]
    with raw_piece(sqlite_api, alice, url, 0, 5_000_000, b"x" * 2_000_000):
        wait_for(lambda: any(path.stat().st_size for path in parts_folder(sqlite_api.resources).glob("*.bytes")))
        first = add(client, url, 0, b"y" * 100)
        assert first.json()["code"] == "UploadOffsetWrong"
        assert first.json()["parameters"]["offset_bytes"] == 2_000_000
        assert add(client, url, 2_000_000, b"y" * 100).status_code == 204


def test_of_two_who_write_at_once_one_is_told(sqlite_api, alice, monkeypatch):
    monkeypatch.setattr("webapp.api.routes.uploads.TAKEOVER_S", 0.3)
    client = sqlite_api.program(alice)
    url = begin(client, 5_000_000).headers["Location"]
    ended = threading.Event()
    connection = raw_piece(sqlite_api, alice, url, 0, 5_000_000, b"x")

    def trickle():
        while not ended.wait(0.1):
            connection.sendall(b"x")

    thread = threading.Thread(target=trickle)
    thread.start()
    try:
        wait_for(lambda: list(parts_folder(sqlite_api.resources).glob("*.bytes")))
        answer = add(client, url, 0, b"y" * 100)
        assert (answer.status_code, answer.json()["code"]) == (409, "UploadBusy")
    finally:
        ended.set()
        thread.join()
        connection.close()


def test_bytes_that_were_not_acknowledged_are_cut_off(sqlite_api, alice):
    """As a process that was killed leaves them."""
    client = sqlite_api.program(alice)
    url = begin(client, 10).headers["Location"]
    add(client, url, 0, b"plain")
    part = next(parts_folder(sqlite_api.resources).glob("*.bytes"))
    with part.open("ab") as file:
        file.write(b"never marked")
    assert offset_of(client, url) == 5
    assert add(client, url, 5, b" ").status_code == 204
    assert part.read_bytes() == b"plain "
    os.truncate(part, 2)
    assert offset_of(client, url) == 2
    part.unlink()
    assert offset_of(client, url) == 0


def test_a_whole_file_that_was_not_judged_is_judged_when_its_sender_asks(sqlite_api, alice, scene_bytes, monkeypatch):
    client = sqlite_api.program(alice)
    url = begin(client, len(scene_bytes)).headers["Location"]

    def fails(*arguments, **more):
        raise StorageUnavailable(detail="for now")

    with monkeypatch.context() as patch:
        patch.setattr(scenes, "check_scene", fails)
        assert add(client, url, 0, scene_bytes).status_code == 503
    assert client.get(url).json()["state"] == "open"
    assert offset_of(client, url) == len(scene_bytes)
    assert client.get(url).json()["state"] == "finished"
    assert len(client.get("/api/v1/scenes").json()["scenes"]) == 1
    with sqlite_api.resources.database.write(SYSTEM) as session:  # as if it had died just before it noted the outcome
        session.execute(update(ResumableUpload).values(state="open", outcome=None))
    next_part = parts_folder(sqlite_api.resources) / f"{url.rsplit('/', 1)[-1]}.bytes"
    next_part.write_bytes(scene_bytes)
    assert offset_of(client, url) == len(scene_bytes)
    assert client.get(url).json()["scene_id"] == client.get("/api/v1/scenes").json()["scenes"][0]["id"]
    assert len(client.get("/api/v1/scenes").json()["scenes"]) == 1


def test_a_refusal_at_the_second_try_is_final(sqlite_api, alice, monkeypatch):
    def damaged(*arguments, **more):
        raise RasterUnreadable(name="town.tif", detail="")

    monkeypatch.setattr(scenes, "check_scene", damaged)
    client = sqlite_api.program(alice)
    answer = begin(client, 4, b"II*\0")
    assert (answer.status_code, answer.json()["code"]) == (422, "RasterUnreadable")


def test_limits_of_a_person_and_of_the_disk(make_resources, serve, sqlite_api, alice, monkeypatch):
    monkeypatch.setattr(resumable_uploads, "OPEN_MAX", 2)
    client = sqlite_api.program(alice)
    begin(client, 10)
    url = begin(client, 10).headers["Location"]
    assert (begin(client, 10).status_code, begin(client, 10).json()["code"]) == (429, "TooManyUploads")
    client.delete(url)
    assert begin(client, 10).status_code == 201
    full = serve(make_resources(free_disk_bytes=10**15))
    assert begin(full.program(alice), 10).json()["code"] == "DiskFull"
    small = serve(make_resources(free_upload_bytes=9))
    assert begin(small.program(alice), 10).json()["code"] == "UploadTooLarge"


def test_expired_uploads_and_strays_are_removed(sqlite_api, alice):
    client, resources = sqlite_api.program(alice), sqlite_api.resources
    kept, gone = (begin(client, 10).headers["Location"] for _ in range(2))
    for url in (kept, gone):
        add(client, url, 0, b"x")
    stray = parts_folder(resources) / "11111111-1111-1111-1111-111111111111.bytes"
    stray.write_bytes(b"x")
    os.utime(stray, (1, 1))
    with resources.database.write(SYSTEM) as session:
        old = update(ResumableUpload).where(ResumableUpload.id == gone.rsplit("/", 1)[-1])
        session.execute(old.values(expires_at=1.0))
    assert client.head(gone).status_code == 404
    assert remove_expired_uploads(resources) == 1
    assert left_in(sqlite_api) == [f"{kept.rsplit('/', 1)[-1]}.bytes"]
    assert offset_of(client, kept) == 1


def test_cookies_need_their_token_and_keys_their_scope(sqlite_api, alice):
    browser = sqlite_api.browser(alice, with_token=False)
    assert begin(browser, 10).status_code == 403
    assert begin(sqlite_api.browser(alice), 10).status_code == 201
    reader = create_key(sqlite_api.resources, alice, "reader", {"read"})
    assert begin(sqlite_api.anonymous(**{"X-API-Key": reader.key}), 10).status_code == 403
    writer = create_key(sqlite_api.resources, alice, "writer", {"read", "write"})
    assert begin(sqlite_api.anonymous(**{"X-API-Key": writer.key}), 10).status_code == 201
