import hashlib
import os
import resource
import subprocess
import sys
from collections import namedtuple

import pytest

from tests.support.processes import ROOT
from webapp.errors import DiskFull, UploadEmpty, UploadIncomplete, UploadTooLarge
from webapp.services import uploads

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def incoming(resources):
    folder = uploads.incoming_folder(resources)
    return list(folder.iterdir()) if folder.exists() else []


def test_a_file_arrives_whole(resources, alice):
    with uploads.begin_upload(resources, alice, "a.tif", 9) as upload:
        for chunk in (b"abc", b"", b"def", b"ghi"):
            upload.write(chunk)
        received = upload.finish()
    assert received.path.read_bytes() == b"abcdefghi"
    assert (received.size_bytes, received.name) == (9, "a.tif")
    assert received.sha256 == hashlib.sha256(b"abcdefghi").hexdigest()
    received.discard()
    assert incoming(resources) == []


def test_the_limit_holds_before_and_while_writing(make_resources, alice):
    resources = make_resources(upload_limit_bytes=10)
    with pytest.raises(UploadTooLarge):
        uploads.begin_upload(resources, alice, "a.tif", 11)
    with uploads.begin_upload(resources, alice, "a.tif") as upload:
        upload.write(b"12345")
        upload.write(b"67890")
        with pytest.raises(UploadTooLarge):
            upload.write(b"1")
    assert incoming(resources) == []


@pytest.mark.parametrize("sent", [b"abc", b"abcdef"])
def test_a_size_that_does_not_fit_is_refused(resources, alice, sent):
    upload = uploads.begin_upload(resources, alice, "a.tif", 5)

    def send():
        upload.write(sent)
        upload.finish()

    with pytest.raises(UploadIncomplete):
        send()
    assert incoming(resources) == []


def test_an_empty_file_is_refused(resources, alice):
    with pytest.raises(UploadEmpty):
        uploads.begin_upload(resources, alice, "a.tif").finish()
    assert incoming(resources) == []


def test_an_upload_that_breaks_off_leaves_nothing(resources, alice):
    def send():
        with uploads.begin_upload(resources, alice, "a.tif") as upload:
            upload.write(b"half")
            assert len(incoming(resources)) == 1
            raise ConnectionError

    with pytest.raises(ConnectionError):
        send()
    assert incoming(resources) == []


def test_a_full_disk_is_said_before_the_first_byte(resources, alice, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(uploads.shutil, "disk_usage", lambda path: usage(10**12, 10**12, 600_000_000))
    with pytest.raises(DiskFull):
        uploads.begin_upload(resources, alice, "a.tif", 200_000_000)
    uploads.begin_upload(resources, alice, "a.tif", 1_000).abort()
    assert incoming(resources) == []


def test_a_disk_that_fills_up_meanwhile_leaves_nothing(resources, alice):
    """The kernel's own limit on file size stands for the full disk: the write really fails, half way."""
    upload = uploads.begin_upload(resources, alice, "a.tif")

    def send():
        for _ in range(100):
            upload.write(b"x" * 10_000)

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(DiskFull):
            send()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert upload.received_bytes <= 110_000
    assert incoming(resources) == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_no_space_is_coded(resources, alice):
    upload = uploads.begin_upload(resources, alice, "a.tif")
    upload._file.close()
    upload._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115
    with pytest.raises(DiskFull):
        upload.write(b"x")
    assert incoming(resources) == []


def test_what_a_killed_process_left_is_swept_and_what_arrives_is_not(resources, alice):
    code = (
        "import os, sys; from webapp.services.uploads import Upload; from pathlib import Path;"
        "upload = Upload(Path(sys.argv[1]), 'a.tif', 100, None); upload.write(b'x'); upload._file.flush(); os._exit(9)"
    )
    uploads.begin_upload(resources, alice, "first.tif").abort()
    left = uploads.incoming_folder(resources) / "1-left.part"
    subprocess.run([sys.executable, "-c", code, str(left)], cwd=ROOT, check=False)
    assert left.exists()
    arriving = uploads.begin_upload(resources, alice, "b.tif")
    arriving.write(b"content")
    checked = uploads.begin_upload(resources, alice, "c.tif")
    checked.write(b"content")
    received = checked.finish()
    assert uploads.sweep_incoming(resources) == 1
    assert not left.exists()
    arrived = arriving.finish()
    assert arrived.path.exists()
    assert received.path.exists()
    received.release()
    assert uploads.sweep_incoming(resources) == 1
    arrived.discard()
    assert incoming(resources) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("a.tif", "a.tif"),
        ("../../etc/passwd", "passwd"),
        ("C:\\maps\\a.tif", "a.tif"),
        ("a\r\nSet-Cookie: x.tif", "aSet-Cookie: x.tif"),
        ("a\0b.tif", "ab.tif"),
        ("\u202efit.a", "fit.a"),
        ("", "unnamed.tif"),
        ("/", "unnamed.tif"),
        ("x" * 4000 + ".tif", "x" * 196 + ".tif"),
        ("Überflug 北.tif", "Überflug 北.tif"),
    ],
)
def test_names_are_made_plain(backend, given, kept):
    assert uploads.plain_name(given) == kept
