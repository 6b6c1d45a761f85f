"""Uploaded files over HTTP: listed, downloaded in parts, removed with what came of them."""

import hashlib

from tests.support.jobs import add_scene, submit
from tests.support.rasters import grid_of_rectangles, write_scene
from webapp.services import scenes, uploads
from webapp.services.jobs import cancel_job

FILES = "/api/v1/files"
SIZE_PX = (200, 300)


def sent(resources, person, folder, name='Städte "1".tif'):
    path = write_scene(folder / "made.tif", SIZE_PX, grid_of_rectangles(SIZE_PX))
    content = path.read_bytes()
    with uploads.begin_upload(resources, person, name) as upload:
        upload.write(content)
        received = upload.finish()
    return scenes.register_scene(resources, person, received), content


def test_a_file_is_downloaded_whole_and_in_parts(api, alice, bob, tmp_path):
    scene, content = sent(api.resources, alice, tmp_path)
    client = api.program(alice)
    (listed,) = client.get(FILES).json()["files"]
    assert (listed["scene_id"], listed["import_id"], listed["size_bytes"]) == (scene.id, None, len(content))
    assert listed["sha256"] == hashlib.sha256(content).hexdigest()
    url = f"{FILES}/{listed['id']}"
    whole = client.get(url)
    assert whole.content == content
    assert whole.headers["content-disposition"] == 'attachment; filename="st-dte-1.tif"'
    rest = client.get(url, headers={"Range": f"bytes=1000-{len(content)}", "If-Range": whole.headers["etag"]})
    assert (rest.status_code, rest.content) == (206, content[1000:])
    assert client.head(url).headers["content-length"] == str(len(content))
    beyond = client.get(url, headers={"Range": f"bytes={len(content)}-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "RangeNotSatisfiable")
    for method in ("GET", "DELETE"):
        assert api.program(bob).request(method, url).status_code == 404
    assert api.program(bob).get(FILES).json()["files"] == []


def test_a_file_in_use_stays_and_later_goes_with_its_scene(api, alice, tmp_path):
    scene, _ = sent(api.resources, alice, tmp_path)
    job = submit(api.resources, alice, scene.id)
    client = api.program(alice)
    url = f"{FILES}/{client.get(FILES).json()['files'][0]['id']}"
    refused = client.delete(url)
    assert (refused.status_code, refused.json()["code"]) == (409, "SceneInUse")
    cancel_job(api.resources, alice, job.id)
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == client.get(f"/api/v1/scenes/{scene.id}").status_code == 404
    assert not [path for path in (api.resources.storage.root / "scenes").rglob("*") if path.is_file()]


def test_files_are_listed_page_by_page(sqlite_api, alice):
    for _ in range(5):
        add_scene(sqlite_api.resources, alice)
    client, seen, before = sqlite_api.program(alice), [], None
    while True:
        page = client.get(FILES, params={"limit": 2} | ({"before": before} if before else {})).json()
        seen += [file["id"] for file in page["files"]]
        before = page["next_before"]
        if before is None:
            break
    assert len(set(seen)) == len(seen) == 5
    assert client.get(f"{FILES}?before=nothing").status_code == 404
    assert client.get(f"{FILES}?colour=red").status_code == 422
