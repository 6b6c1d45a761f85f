import errno
from pathlib import Path

import pytest

from webapp.errors import DiskFull, NotFound, StorageUnavailable
from webapp.storage import Storage, open_storage


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source"
    path.write_bytes(b"content")
    return path


def test_a_file_is_moved_in_read_listed_and_removed(tmp_path, source):
    storage = open_storage("", tmp_path)
    storage.put_file("scenes/a/b.tif", source)
    assert not source.exists()
    assert storage.local_path("scenes/a/b.tif").read_bytes() == b"content"
    assert [key for key, _ in storage.entries()] == ["scenes/a/b.tif"]
    storage.delete("scenes/a/b.tif")
    storage.delete("scenes/a/b.tif")
    assert list(storage.entries()) == []
    with pytest.raises(NotFound):
        storage.local_path("scenes/a/b.tif")
    assert list((tmp_path / "objects" / "scenes").iterdir()) == []


def test_a_file_comes_whole_from_another_file_system(tmp_path, source, monkeypatch):
    storage = open_storage("", tmp_path)
    replace = Path.replace

    def refuse_across(self, target):
        if self == source:
            raise OSError(errno.EXDEV, "other device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", refuse_across)
    storage.put_file("a.tif", source)
    assert storage.local_path("a.tif").read_bytes() == b"content"
    assert not source.exists()
    assert [key for key, _ in storage.entries()] == ["a.tif"]


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskFull), (errno.EIO, StorageUnavailable)])
def test_a_file_that_cannot_be_kept_is_not_half_there(tmp_path, source, monkeypatch, number, error):
    storage = open_storage("", tmp_path)

    def fail(self, target):
        raise OSError(number, "no")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(error):
        storage.put_file("a.tif", source)
    assert list(storage.entries()) == []
    assert source.read_bytes() == b"content"


def test_what_lies_elsewhere_is_fetched_once(tmp_path, source):
    """A store that is not local: obstore's own folder store stands for S3, behind the same calls."""
    far = open_storage("", tmp_path / "far")
    storage = Storage(far.store, tmp_path / "copies", is_local=False)
    storage.put_file("scenes/a.tif", source)
    assert not source.exists()
    copy = storage.local_path("scenes/a.tif")
    assert copy.is_relative_to(tmp_path / "copies")
    assert copy.read_bytes() == b"content"
    far.local_path("scenes/a.tif").unlink()
    assert storage.local_path("scenes/a.tif") == copy
    storage.delete("scenes/a.tif")
    with pytest.raises(NotFound):
        storage.local_path("scenes/a.tif")
    assert not any(path.is_file() for path in (tmp_path / "copies").rglob("*"))
