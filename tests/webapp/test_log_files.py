"""Logs of the supervised processes."""

from pathlib import Path

from webapp.log_files import KEPT, LogFile


def test_a_log_is_turned_over_and_the_oldest_goes(tmp_path: Path) -> None:
    log = LogFile(tmp_path / "worker.log", limit_bytes=100)
    for number in range(KEPT + 3):
        log.write(f"{number}".encode() * 80)
    log.close()

    assert (tmp_path / "worker.log").read_bytes() == f"{KEPT + 2}".encode() * 80
    assert [(tmp_path / f"worker.log.{age}").read_bytes()[:1] for age in range(1, KEPT + 1)] == [b"4", b"3", b"2"]
    assert len(list(tmp_path.iterdir())) == KEPT + 1


def test_a_log_goes_on_after_a_restart(tmp_path: Path) -> None:
    for words in (b"first ", b"second"):
        log = LogFile(tmp_path / "worker.log")
        log.write(words)
        log.close()

    assert (tmp_path / "worker.log").read_bytes() == b"first second"


def test_a_full_disk_loses_lines_and_nothing_else() -> None:
    log = LogFile(Path("/dev/full"))

    log.write(b"lost")
    log.close()
