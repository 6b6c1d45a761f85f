import numba
import pytest

from processing import compiled as module
from processing.compiled import compiled, use_own_cache


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Sources of their own, and no cache chosen yet."""
    for name in module.FOLDERS_WITH_LOOPS:
        (tmp_path / name).mkdir()
        (tmp_path / name / "loop.py").write_text("a = 1")
    monkeypatch.setattr(module, "SOURCES", tmp_path)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    return tmp_path


def folders(sources):
    return [path.name for path in (sources / "__pycache__").iterdir()]


def test_machine_code_of_changed_sources_is_not_taken(sources, monkeypatch):
    use_own_cache()
    before = numba.config.CACHE_DIR
    assert folders(sources) == [before.rsplit("/", 1)[-1]]
    (sources / module.FOLDERS_WITH_LOOPS[1] / "loop.py").write_text("a = 2")
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    use_own_cache()
    assert before != numba.config.CACHE_DIR
    assert folders(sources) == [numba.config.CACHE_DIR.rsplit("/", 1)[-1]]


def test_a_place_that_somebody_has_chosen_is_left(sources, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", "/somewhere")
    use_own_cache()
    assert numba.config.CACHE_DIR == "/somewhere"
    assert not (sources / "__pycache__").exists()


def test_sources_that_cannot_be_written_do_no_harm(sources):
    (sources / "__pycache__").write_text("a file where the folder should be")
    use_own_cache()
    assert numba.config.CACHE_DIR == ""


def test_every_compiled_function_can_be_called_from_python():
    @compiled
    def _twice(value):
        return 2 * value

    assert _twice(21) == 42
