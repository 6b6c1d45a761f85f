"""Pyramids of large scenes, made in the background, kept in DATA_DIR/tile_cache and free to be deleted at any time."""

import logging
import threading
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotDone
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from processing.rendering.scene_pyramid import build_pyramid
from processing.scene import SceneInfo
from webapp.errors import DiskFull, TilesNotReady
from webapp.resources import Resources

log = logging.getLogger(__name__)

CACHE_BYTES = 5_000_000_000
WAIT_S = 5.0
WAITERS = threading.BoundedSemaphore(8)
"""A page asks for twenty tiles at once; if all of them waited in threads, nothing else would be answered."""
RETRY_AFTER_S = 5
STALE_DRAFT_S = 6 * 3600.0
MAKERS = threading.BoundedSemaphore(1)
"""One at a time: reading a whole scene keeps a core and the disk busy."""

_in_work: dict[Path, Future[Path]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class PyramidSource:
    """A scene that a pyramid is made of."""

    scene_id: str
    path: Path
    info: SceneInfo


def pyramid_path(resources: Resources, scene_id: str) -> Path:
    """Return where the scene's pyramid lies. A scene's pixels never change, so its id names them."""
    return resources.settings.data_dir / "tile_cache" / f"{scene_id}.tif"


def start_pyramid(resources: Resources, source: PyramidSource) -> Future[Path]:
    """Have the pyramid made, once however many ask; the future gives its path."""
    target = pyramid_path(resources, source.scene_id)
    with _lock:
        if target in _in_work:
            return _in_work[target]
        made: Future[Path] = Future()
        if target.is_file():
            made.set_result(target)
            return made
        _in_work[target] = made
    threading.Thread(target=_make, args=(source, target, made), name="pyramid", daemon=True).start()
    return made


def wait_for_pyramid(resources: Resources, source: PyramidSource) -> Path:
    """Return the pyramid's path. Raises `TilesNotReady` when it takes long, `RasterUnreadable`, `DiskFull`."""
    try:
        path = _result_of(start_pyramid(resources, source), source.info.name)
    except OSError as error:
        raise DiskFull() from error
    with suppress(OSError):
        path.touch()  # the least recently used go first
    return path


def _result_of(making: Future[Path], name: str) -> Path:
    if making.done():
        return making.result()
    if not WAITERS.acquire(blocking=False):
        raise TilesNotReady(name=name, retry_after_s=RETRY_AFTER_S)
    try:
        return making.result(timeout=WAIT_S)
    except NotDone as error:
        raise TilesNotReady(name=name, retry_after_s=RETRY_AFTER_S) from error
    finally:
        WAITERS.release()


def forget_pyramid(resources: Resources, scene_id: str) -> None:
    """Remove the pyramid of a scene that is gone."""
    pyramid_path(resources, scene_id).unlink(missing_ok=True)


def _make(source: PyramidSource, target: Path, made: Future[Path]) -> None:
    try:
        with MAKERS:
            started = time.monotonic()
            build_pyramid(source.path, source.info, target)
            log.info("pyramid of scene %s made in %.1f s", source.scene_id, time.monotonic() - started)
            _shrink(target.parent, keep=target)
        made.set_result(target)
    except Exception as error:
        log.warning("pyramid of scene %s failed: %s", source.scene_id, error)
        made.set_exception(error)
    finally:
        with _lock:
            _in_work.pop(target, None)


def _shrink(folder: Path, keep: Path) -> None:
    """Drop abandoned drafts, and the least recently used pyramids beyond the limit."""
    entries = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in folder.iterdir())
    total_bytes = sum(size for _, size, _ in entries)
    for changed, size, path in entries:
        abandoned = path.suffix == ".part" and time.time() - changed > STALE_DRAFT_S
        if abandoned or (total_bytes > CACHE_BYTES and path.suffix != ".part" and path != keep):
            path.unlink(missing_ok=True)
            total_bytes -= size
