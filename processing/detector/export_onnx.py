# mypy: disallow-subclassing-any=False
"""Write the network as ONNX, with what the pipeline must know in the file's metadata. Needs torch and onnx."""

import argparse
import math
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from processing.detector.card_metadata import ExportMetadata
from processing.detector.network import BuildingNetwork
from processing.detector.torch_weights import SCORE_EDGE

OPSET = 17
HALF_FROM_VALUES = 1024
OUTPUTS = ("boxes", "scores", "masks")


class CalibratedNetwork(nn.Module):
    """The network, with scores turned into calibrated confidence."""

    def __init__(self, network: BuildingNetwork, metadata: ExportMetadata) -> None:
        super().__init__()
        self.network = network
        self.gain, self.shift = metadata.score_gain, metadata.score_shift

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """image: (1, 3, H, W) float32 RGB in [0, 1] → boxes (K, 4) px, scores (K,), masks (K, 28, 28)."""
        boxes, scores, masks = self.network(image)
        return boxes, torch.sigmoid(self.gain * torch.logit(scores, SCORE_EDGE) + self.shift), masks


def export_onnx(network: BuildingNetwork, metadata: ExportMetadata, path: Path) -> None:
    """Write `path` whole or not at all, with weights in half precision, which halves the file; it computes in single.

    The network's own weights are rounded likewise, so that both still compute the same.
    """
    network.half().float().eval()
    sample = torch.rand(1, 3, metadata.window_px, metadata.window_px)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        part = Path(folder) / path.name
        torch.onnx.export(
            CalibratedNetwork(network, metadata).eval(),
            (sample,),
            str(part),
            dynamo=False,
            opset_version=OPSET,
            input_names=["image"],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "detections"} for name in OUTPUTS},
        )
        model = onnx.load(str(part))
        store_weights_as_half(model)
        onnx.helper.set_model_props(model, metadata.to_properties())
        onnx.checker.check_model(model)
        onnx.save(model, str(part))
        part.replace(path)


def store_weights_as_half(model: onnx.ModelProto) -> None:
    """Turn the large weights of a model to half precision, each with a cast that engines fold away on loading."""
    casts = []
    for weight in model.graph.initializer:
        if weight.data_type != onnx.TensorProto.FLOAT or math.prod(weight.dims) < HALF_FROM_VALUES:
            continue
        name = weight.name
        half = onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(weight).astype(np.float16), f"{name}.half")
        weight.CopyFrom(half)
        casts.append(onnx.helper.make_node("Cast", [half.name], [name], to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def largest_difference(
    network: BuildingNetwork, metadata: ExportMetadata, path: Path, picture: NDArray[np.float32]
) -> float:
    """Return the largest difference of scores and masks between the network in torch and the file in ONNX Runtime.

    picture: (1, 3, H, W) float32 in [0, 1]. Boxes are compared in units of the picture's side. Infinite where the
    numbers of detections differ.
    """
    import onnxruntime

    with torch.no_grad():
        eager = [value.numpy() for value in CalibratedNetwork(network, metadata).eval()(torch.from_numpy(picture))]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    exported = session.run(list(OUTPUTS), {"image": picture})
    if eager[0].shape != exported[0].shape:
        return float("inf")
    if len(eager[0]) == 0:
        return 0.0
    scales = (picture.shape[-1], 1.0, 1.0)
    differences = [float(np.abs(a - b).max()) for a, b in zip(eager, exported, strict=True)]
    return float(max(difference / scale for difference, scale in zip(differences, scales, strict=True)))


def main() -> None:
    """Export the averaged weights of a training checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--name", default="default")
    parser.add_argument("--version", required=True)
    parser.add_argument("--score-gain", type=float, default=1.0, help="of the calibration, from an evaluation")
    parser.add_argument("--score-shift", type=float, default=0.0)
    arguments = parser.parse_args()
    network = BuildingNetwork()
    content = torch.load(arguments.checkpoint, map_location="cpu", weights_only=True)
    network.load_weights(content["averaged"])
    metadata = ExportMetadata(
        arguments.name, arguments.version, score_gain=arguments.score_gain, score_shift=arguments.score_shift
    )
    export_onnx(network, metadata, arguments.output)


if __name__ == "__main__":
    main()
