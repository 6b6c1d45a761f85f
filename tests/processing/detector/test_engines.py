import shutil
import subprocess
import sys

import pytest

from processing.detector import engines
from processing.detector.engines import open_engine
from processing.detector.onnx_engine import OnnxDetector
from processing.detector.registry import WEIGHTS_FOLDER
from processing.errors import WeightsInvalid

SHIPPED = WEIGHTS_FOLDER / "default.onnx"


def test_onnx_runs_without_torch_even_where_weights_for_torch_lie_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "both.onnx"
    shutil.copy(SHIPPED, path)
    path.with_suffix(".safetensors").write_bytes(b"")
    monkeypatch.setattr(engines, "NEEDED_BY_TORCH", ("a_package_that_is_nowhere",))
    assert isinstance(open_engine(path), OnnxDetector)


def test_weights_for_torch_without_torch_are_refused_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(engines, "NEEDED_BY_TORCH", ("a_package_that_is_nowhere",))
    with pytest.raises(WeightsInvalid, match="a_package_that_is_nowhere"):
        open_engine(tmp_path / "some.safetensors")


def test_choosing_the_cpu_never_loads_torch():
    program = (
        "import sys; from pathlib import Path; from processing.detector.engines import open_engine; "
        f"open_engine(Path({str(SHIPPED)!r}), 'cpu'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=WEIGHTS_FOLDER.parents[1], check=False).returncode == 0
