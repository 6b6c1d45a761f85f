"""Send one hostile file to a site as a program would, and look at what became of it."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.memory_watch import MemoryWatch
from benchmarks.web_processes import Site
from tests.support.hostile.case import Case, Door, Verdict

PATHS = {Door.IMAGE: "/api/v1/ml-processing/upload-image", Door.IMPORT: "/api/v1/imports"}
CHUNK_BYTES = 2**20
TIMEOUT_S = 300.0
NOT_JUDGED = (401, 403, 429)
"""Answers that have nothing to do with the file."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a file."""

    case: Case
    status: int
    code: str
    wall_s: float
    check_cpu_s: float
    check_bytes: int
    web_bytes: int
    job_id: str
    left_behind: int

    @property
    def is_wrong(self) -> bool:
        """Tell whether it was taken where it had to be refused, or the other way round."""
        taken = self.status < 300
        if self.status in NOT_JUDGED:
            return True
        return self.case.verdict is not Verdict.EITHER and taken is not (self.case.verdict is Verdict.TAKEN)


def send_case(client: httpx.Client, site: Site, watch: MemoryWatch, case: Case, path: Path) -> Sent:
    """Send a file that lies in `path`."""
    boundary = uuid.uuid4().hex.encode()
    head = b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n' % (boundary, case.file_name)
    tail = b"\r\n--%s--\r\n" % boundary
    length = len(head) + path.stat().st_size + len(tail)
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary.decode()}", "Content-Length": str(length)}
    watch.begin()
    began_s = time.monotonic()
    answer = client.post(site.urls[0] + PATHS[case.door], content=_body(head, path, tail), headers=headers)
    wall_s = time.monotonic() - began_s
    watch.look()
    body: dict[str, Any] = answer.json()
    return Sent(
        case=case,
        status=answer.status_code,
        code=str(body.get("code", "")),
        wall_s=wall_s,
        check_cpu_s=watch.child_cpu_s,
        check_bytes=watch.child_bytes,
        web_bytes=watch.own_bytes,
        job_id=str(body.get("job_id") or body.get("id") or "") if answer.status_code < 300 else "",
        left_behind=len(spooled(site)),
    )


def spooled(site: Site) -> list[Path]:
    """Return what lies where files arrive and where archives are unpacked."""
    data = site.resources.settings.data_dir
    return [path for name in ("incoming", "scratch") for path in (data / name).rglob("*") if path.is_file()]


def _body(head: bytes, path: Path, tail: bytes) -> Iterator[bytes]:
    yield head
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
    yield tail
