"""Put a calibration of confidence into weights in ONNX form, so that whoever runs them gets calibrated scores.

Needs onnx.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from processing.errors import WeightsInvalid
from processing.training.calibration import Calibration

SCORES, RAW = "scores", "calibration.raw"
GAIN, SHIFT, ONE, LOW, HIGH = (f"calibration.{name}" for name in ("gain", "shift", "one", "low", "high"))
EDGE = 1e-6
STEPS = (
    ("Clip", (RAW, LOW, HIGH), "calibration.inside"),
    ("Log", ("calibration.inside",), "calibration.log"),
    ("Sub", (ONE, "calibration.inside"), "calibration.rest"),
    ("Log", ("calibration.rest",), "calibration.log_rest"),
    ("Sub", ("calibration.log", "calibration.log_rest"), "calibration.logit"),
    ("Mul", ("calibration.logit", GAIN), "calibration.scaled"),
    ("Add", ("calibration.scaled", SHIFT), "calibration.shifted"),
    ("Sigmoid", ("calibration.shifted",), SCORES),
)


def calibrate_onnx(source: Path, target: Path, calibration: Calibration) -> None:
    """Write `source` to `target` with the calibration in its graph, whole or not at all.

    A calibration that is there already is followed by this one; the two become one. The metadata's `score_gain` and
    `score_shift` tell what lies between the network's scores and the confidence. Raises `WeightsInvalid`.
    """
    try:
        model = onnx.load(str(source))
    except Exception as error:  # protobuf's own kinds
        raise WeightsInvalid(name=source.name, detail="it cannot be read as ONNX") from error
    constants = {weight.name: weight for weight in model.graph.initializer}
    if GAIN in constants:
        earlier = Calibration(*(float(numpy_helper.to_array(constants[name])) for name in (GAIN, SHIFT)))
        joint = calibration.after(earlier)
        _set(constants[GAIN], joint.gain)
        _set(constants[SHIFT], joint.shift)
    else:
        _insert(model.graph, calibration)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    told = Calibration(float(metadata.get("score_gain", 1.0)), float(metadata.get("score_shift", 0.0)))
    total = calibration.after(told)
    helper.set_model_props(model, metadata | {"score_gain": str(total.gain), "score_shift": str(total.shift)})
    onnx.checker.check_model(model)
    part = target.with_name(f".{target.name}.part")
    onnx.save(model, str(part))
    part.replace(target)


def _insert(graph: onnx.GraphProto, calibration: Calibration) -> None:
    """Let the node that gives the scores give `RAW`, and the steps of the calibration the scores."""
    for node in graph.node:
        for names in (node.input, node.output):
            for index, name in enumerate(names):
                if name == SCORES:
                    names[index] = RAW
    values = {GAIN: calibration.gain, SHIFT: calibration.shift, ONE: 1.0, LOW: EDGE, HIGH: 1 - EDGE}
    graph.initializer.extend(numpy_helper.from_array(np.float32(value), name) for name, value in values.items())
    graph.node.extend(helper.make_node(kind, list(inputs), [output]) for kind, inputs, output in STEPS)


def _set(constant: onnx.TensorProto, value: float) -> None:
    constant.CopyFrom(numpy_helper.from_array(np.float32(value), constant.name))
