"""`./run bench upload`: files of 1 GB through one web process, in one piece and in many.

The exit code is 1 where memory grew by more than 50 MB, a file did not arrive as it was sent, more than the limit and
1 MiB was written of one that is too large, or an upload could not be gone on with whose client or server was killed.
"""

import hashlib
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import rasterio
from rasterio.transform import from_origin

from auth.principals import Role
from benchmarks.counts import Counted, publish_counts
from benchmarks.memory_watch import memory_bytes, processor_s, watched
from benchmarks.report import read_options
from benchmarks.tus_client import TusClient
from benchmarks.web_processes import Site, running_site

GB, QUICK_BYTES = 10**9, 10**8
GROWTH_BYTES = 50 * 10**6
OVER_BYTES = 2**20
CHUNK_BYTES = 2**20
TIMEOUT_S = 900.0
QUIET_S = 3.0
CLOSED = 0
"""The server closed the connection while the client still wrote, who never saw the answer."""


@dataclass(frozen=True, slots=True)
class Made:
    """A scene of a given size, and its SHA-256."""

    path: Path
    sha256: str
    size_bytes: int


def main(arguments: Sequence[str] = ()) -> int:
    """Run all parts; return 1 where a promise was broken."""
    options = read_options("upload", arguments)
    size_bytes = QUICK_BYTES if options.quick else GB
    limits = {"ENTERPRISE_UPLOAD_BYTES": str(size_bytes), "ACCESS_TOKEN_MINUTES": "600", "FREE_DISK_BYTES": "0"}
    found: list[Counted] = []
    with tempfile.TemporaryDirectory() as name:
        made = _make(Path(name) / "made.tif", size_bytes)
        with running_site(Path(name) / "site", 1, **limits) as site:
            headers = site.headers(site.person("sender", Role.ADMIN))
            for way, send in (("PUT", _put), ("multipart", _post), ("tus", _tus)):
                with site.another_server() as fresh:  # what another way has left in the memory would hide growth
                    _warm(fresh, headers)
                    found += _two_at_once(fresh, headers, made, way, send)
            found += _too_large(site, headers, size_bytes)
            found.append(_killed_client(site, headers, made))
            found.append(_killed_server(site, headers, made))
    return publish_counts("upload", found, options.json)


def _make(path: Path, size_bytes: int) -> Made:
    """Write a scene without compression, filled up to the very size."""
    side_px = int((size_bytes * 0.99 / 3) ** 0.5) // 16 * 16
    shape = {"width": side_px, "height": side_px, "count": 3, "dtype": "uint8", "driver": "GTiff"}
    place = {"crs": "EPSG:32618", "transform": from_origin(500_000, 4_500_000, 0.3, 0.3), "interleave": "pixel"}
    chance = np.random.default_rng(1)
    with rasterio.open(path, "w", **shape, **place) as scene:
        for row in range(0, side_px, 256):
            rows = min(256, side_px - row)
            window = rasterio.windows.Window(0, row, side_px, rows)
            scene.write(chance.integers(0, 255, (3, rows, side_px), dtype=np.uint8), window=window)
    os.truncate(path, size_bytes)
    with path.open("rb") as file:
        return Made(path, hashlib.file_digest(file, "sha256").hexdigest(), size_bytes)


def _warm(site: Site, headers: dict[str, str]) -> None:
    """Have the process load what its first upload loads."""
    client = _client(headers)
    for _ in range(3):
        client.put(f"{site.urls[0]}/api/v1/scenes?name=warm.tif", content=b"II*\0" * 10**6)
        TusClient(client, site.urls[0]).send_bytes(b"II*\0" * 10**6, "warm.tif")
    worked_s = -QUIET_S
    while processor_s(site.pids[0]) - worked_s > QUIET_S / 20:
        worked_s = processor_s(site.pids[0])
        time.sleep(QUIET_S)


def _client(headers: dict[str, str]) -> httpx.Client:
    return httpx.Client(headers=headers, timeout=TIMEOUT_S)


def _put(site: Site, headers: dict[str, str], made: Made, name: str) -> None:
    content = {"Content-Length": str(made.size_bytes)}
    answer = _client(headers).put(
        f"{site.urls[0]}/api/v1/scenes?name={name}", content=_chunks(made.path), headers=content
    )
    answer.raise_for_status()


def _post(site: Site, headers: dict[str, str], made: Made, name: str) -> None:
    head = f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()

    def body() -> Iterator[bytes]:
        yield head
        yield from _chunks(made.path)
        yield b"\r\n--b--\r\n"

    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    url = f"{site.urls[0]}/api/v1/ml-processing/upload-image"
    _client(headers).post(url, content=body(), headers=kind).raise_for_status()


def _tus(site: Site, headers: dict[str, str], made: Made, name: str) -> None:
    TusClient(_client(headers), site.urls[0]).send_file(made.path, name)


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _two_at_once(
    site: Site, headers: dict[str, str], made: Made, way: str, send: Callable[[Site, dict[str, str], Made, str], None]
) -> list[Counted]:
    """Send the file twice at once, watch the memory until one is answered, and compare what was kept.

    What comes after the answer, the overview for the map, is made in the same process and is another matter.
    """
    names = [f"{way}-{at}.tif" for at in range(2)]
    before_bytes, began_s = memory_bytes(site.pids[0], "VmRSS"), time.monotonic()
    with watched(site.pids[0]) as watch, ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(send, site, headers, made, name) for name in names]
        wait(sent, return_when=FIRST_COMPLETED)
        growth_bytes = watch.own_bytes - before_bytes
        for one in sent:
            one.result()
    wall_s = time.monotonic() - began_s
    kept = {file["name"]: file for file in _client(headers).get(f"{site.urls[0]}/api/v1/files").json()["files"]}
    same = sum(kept.get(name, {}).get("sha256") == made.sha256 for name in names)
    print(f"{way}: two of {made.size_bytes / 1e6:.0f} MB in {wall_s:.1f} s, memory grew by {growth_bytes / 1e6:.1f} MB")
    _remove_all(site, headers)
    case = f"{way}, two at once"
    return [
        Counted(case, "arrived as sent", same, 2, wall_s),
        Counted(case, "grew by more than 50 MB", int(growth_bytes > GROWTH_BYTES), 0, wall_s),
    ]


def _remove_all(site: Site, headers: dict[str, str]) -> None:
    """Make room on the disk."""
    client, api = _client(headers), f"{site.urls[0]}/api/v1"
    for job in client.get(f"{api}/jobs").json()["jobs"]:
        client.post(f"{api}/jobs/{job['id']}/cancel").raise_for_status()
    for file in client.get(f"{api}/files").json()["files"]:
        client.delete(f"{api}/files/{file['id']}").raise_for_status()


def _too_large(site: Site, headers: dict[str, str], size_bytes: int) -> list[Counted]:
    """Send one byte more than the limit, announced, not announced, and in pieces; measure what reached the disk."""

    def content() -> Iterator[bytes]:
        for start in range(0, size_bytes + 1, CHUNK_BYTES):
            yield b"x" * min(CHUNK_BYTES, size_bytes + 1 - start)

    url = f"{site.urls[0]}/api/v1/scenes?name=large.tif"
    ways: dict[str, Callable[[httpx.Client], int]] = {
        "announced": lambda client: (
            client.put(url, content=content(), headers={"Content-Length": str(size_bytes + 1)}).status_code
        ),
        "not announced": lambda client: client.put(url, content=content()).status_code,
        "tus": lambda client: TusClient(client, site.urls[0]).begin("large.tif", size_bytes + 1).status_code,
        "tus, more than announced": lambda client: TusClient(client, site.urls[0]).overrun(size_bytes, content()),
    }
    found = []
    for way, send in ways.items():
        began_s = time.monotonic()
        with _disk_watched(site) as most:
            try:
                status = send(_client(headers))
            except httpx.TransportError:
                status = CLOSED
        kept = _client(headers).get(f"{site.urls[0]}/api/v1/files").json()["files"]
        print(f"1 byte too much, {way}: status {status}, at most {most[0] / 1e6:.3f} MB on the disk")
        within = int(status in (413, CLOSED) and not kept and most[0] <= size_bytes + OVER_BYTES)
        found.append(Counted(f"1 byte too much, {way}", "refused in time", within, 1, time.monotonic() - began_s))
    return found


@contextmanager
def _disk_watched(site: Site) -> Iterator[list[int]]:
    """Give the size of the largest file that lies where files arrive while the block runs."""
    folder, most, ended = site.resources.settings.data_dir / "incoming", [0], threading.Event()

    def look() -> None:
        while not ended.wait(0.005):
            for path in folder.rglob("*"):
                with suppress(OSError):
                    most[0] = max(most[0], path.stat().st_size)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    yield most
    ended.set()
    thread.join()


def _killed_client(site: Site, headers: dict[str, str], made: Made) -> Counted:
    """Kill a client in the middle of one long piece; another goes on where it broke off."""
    client = TusClient(_client(headers), site.urls[0])
    url = client.begin("killed-client.tif", made.size_bytes).headers["Location"]
    child = os.fork()
    if child == 0:
        with suppress(BaseException):
            TusClient(_client(headers), site.urls[0]).send_rest(url, made.path, piece_bytes=made.size_bytes)
        os._exit(0)
    part = site.resources.settings.data_dir / "incoming" / "resumable" / f"{url.rsplit('/', 1)[-1]}.bytes"
    _wait_for_size(part, made.size_bytes // 2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    time.sleep(0.5)
    offset_bytes = client.offset_of(url)
    print(f"client killed after {part.stat().st_size / 1e6:.0f} MB: goes on at {offset_bytes / 1e6:.1f} MB")
    return _gone_on(site, headers, made, url, "client killed", offset_bytes)


def _killed_server(site: Site, headers: dict[str, str], made: Made) -> Counted:
    """Kill the web process in the middle of one long piece; the one that comes after it goes on."""
    url = TusClient(_client(headers), site.urls[0]).begin("killed-server.tif", made.size_bytes).headers["Location"]

    def send() -> None:
        with suppress(httpx.HTTPError):
            TusClient(_client(headers), site.urls[0]).send_rest(url, made.path, piece_bytes=made.size_bytes)

    thread = threading.Thread(target=send)
    thread.start()
    part = site.resources.settings.data_dir / "incoming" / "resumable" / f"{url.rsplit('/', 1)[-1]}.bytes"
    _wait_for_size(part, made.size_bytes // 2)
    os.kill(site.pids[0], signal.SIGKILL)
    thread.join()
    with site.another_server() as again:
        offset_bytes = TusClient(_client(headers), again.urls[0]).offset_of(url)
        there_bytes = part.stat().st_size
        print(f"server killed after {there_bytes / 1e6:.0f} MB: goes on at {offset_bytes / 1e6:.1f} MB")
        return _gone_on(again, headers, made, url, "server killed", offset_bytes)


def _gone_on(site: Site, headers: dict[str, str], made: Made, url: str, case: str, offset_bytes: int) -> Counted:
    """Send what is missing."""
    began_s = time.monotonic()
    client = TusClient(_client(headers), site.urls[0])
    client.send_rest(url, made.path)
    files = _client(headers).get(f"{site.urls[0]}/api/v1/files").json()["files"]
    whole = files[0]["sha256"] == made.sha256 and offset_bytes > made.size_bytes // 3
    _remove_all(site, headers)
    return Counted(case, "gone on with, and whole", int(whole), 1, time.monotonic() - began_s)


def _wait_for_size(path: Path, size_bytes: int) -> None:
    until_s = time.monotonic() + TIMEOUT_S
    while not (path.exists() and path.stat().st_size >= size_bytes):
        if time.monotonic() > until_s:
            raise RuntimeError(f"{path} does not grow")
        time.sleep(0.005)
