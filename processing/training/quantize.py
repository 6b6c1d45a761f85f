"""Turn exported weights to 8-bit arithmetic for CPUs: `python -m processing.training.quantize IN OUT --data DIR`.

Static quantisation of the trunk's, the pyramid's and the heads' convolutions and products, with one scale for each
channel of the weights and scales of the features measured on calibration pictures (the QDQ form of ONNX Runtime).
Boxes, scores and everything after them stay in single precision. Needs onnx.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from processing.detector.onnx_engine import INPUT, OnnxDetector
from processing.training.data_folder import source_folder, source_names
from processing.training.labelled_windows import read_windows
from processing.training.recipe import shipped_gsd_m

PICTURES = 48
EVERY = 7
"""Of each source every seventh window is taken, so that not all come from one place."""
QUANTIZED = ("Conv",)


class CalibrationPictures(CalibrationDataReader):  # type: ignore[misc]  # ONNX Runtime has no types
    """Windows of labelled sources in turn, as the network gets them."""

    def __init__(self, windows: Iterator[NDArray[np.uint8]]) -> None:
        self._windows = windows

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """Return the next picture, (1, 3, S, S) float32 in [0, 1], or None at the end."""
        window = next(self._windows, None)
        if window is None:
            return None
        return {INPUT: np.ascontiguousarray(window.transpose(2, 0, 1), np.float32)[None] / np.float32(255)}


def calibration_windows(data: Path, detector: OnnxDetector, count: int) -> Iterator[NDArray[np.uint8]]:
    """Give `count` windows (S, S, 3) uint8 of the COCO folders in `data`, as many of each. Never validation data.

    Raises `LabelsInvalid`, also where nobody tells a source's ground sampling distance.
    """
    card, names = detector.card, source_names(data)
    for name in names:
        windows = read_windows(source_folder(data, name), shipped_gsd_m(name), card.scale, card.window_px, EVERY)
        yield from (window.picture for window in islice(windows, -(-count // len(names))))


def quantize(source: Path, target: Path, windows: Iterator[NDArray[np.uint8]]) -> None:
    """Write `target` whole or not at all, with the metadata of `source` and a name that tells them apart."""
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        plain, prepared, part = (Path(folder) / name for name in ("plain.onnx", "prepared.onnx", target.name))
        onnx.save(with_single_weights(onnx.load(str(source))), str(plain))
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(part),
            CalibrationPictures(windows),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTIZED),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
        )
        keep_metadata(source, part)
        part.replace(target)


def with_single_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """Turn weights that are stored in half precision, each behind a cast, into plain single-precision ones."""
    stored = {weight.name: weight for weight in model.graph.initializer}
    kept = []
    for node in model.graph.node:
        half = stored.get(node.input[0]) if node.op_type == "Cast" and node.input else None
        if half is None or half.data_type != onnx.TensorProto.FLOAT16:
            kept.append(node)
            continue
        values = onnx.numpy_helper.to_array(half).astype(np.float32)
        half.CopyFrom(onnx.numpy_helper.from_array(values, node.output[0]))
    del model.graph.node[:]
    model.graph.node.extend(kept)
    return model


def keep_metadata(source: Path, target: Path) -> None:
    """Copy the metadata of `source` into `target`; the name gets the suffix `int8`."""
    properties = {item.key: item.value for item in onnx.load(str(source)).metadata_props}
    model: Any = onnx.load(str(target))
    onnx.helper.set_model_props(model, properties | {"name": f"{properties.get('name', source.stem)}-int8"})
    onnx.save(model, str(target))


def main() -> None:
    """Quantise and say what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, metavar="IN.onnx")
    parser.add_argument("target", type=Path, metavar="OUT.onnx")
    parser.add_argument("--data", type=Path, required=True, help="training data: one COCO folder for each source")
    parser.add_argument("--pictures", type=int, default=PICTURES)
    arguments = parser.parse_args()
    detector = OnnxDetector(arguments.source, "cpu")
    quantize(arguments.source, arguments.target, calibration_windows(arguments.data, detector, arguments.pictures))
    before, after = (path.stat().st_size / 1e6 for path in (arguments.source, arguments.target))
    sys.stdout.write(f"{arguments.target}: {after:.1f} MB (from {before:.1f} MB)\n")


if __name__ == "__main__":
    main()
