# mypy: disallow-subclassing-any=False
"""The network: Mask R-CNN on an EfficientNet-Lite0 trunk. Needs torch; used for training and export only.

Assembled from torchvision's detection parts. Pictures come in ready-sized, so torchvision's resizing and its pasting of
masks are left out: the network gives boxes, scores and a small mask for each box.
"""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from processing.detector.area_head import AreaHead
from processing.detector.targets import BuildingHeads, BuildingProposals

# (kernel, stride, expansion, channels, repeats) of each stage of EfficientNet-Lite0.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
STEM_CHANNELS = 32
TAPPED_STAGES = (1, 2, 4, 6)
"""Stages whose output feeds the pyramid: strides 4, 8, 16, 32."""
TAP_SPREADS = (9.0, 7.7, 5.8, 2.6)
"""Standard deviation of each tapped stage with the ImageNet weights; the heads learn badly from features this large."""
BATCH_NORM_EPS = 1e-3
AREA_PREFIX = "area."
# The trunk was trained on (value - 127) / 128.
PIXEL_MEAN = 127.0 / 255.0
PIXEL_STD = 128.0 / 255.0


@dataclass(frozen=True, slots=True)
class NetworkShape:
    """Sizes of the heads. The same values must be used for training and for loading the weights."""

    pyramid_channels: int = 128
    box_head_channels: int = 512
    mask_head_channels: tuple[int, ...] = (128, 96, 96)
    anchor_sizes_px: tuple[int, ...] = (12, 24, 48, 96, 192)
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    canonical_box_px: int = 112
    score_min: float = 0.05
    nms_iou: float = 0.5
    detections_max: int = 300


class SamePadConv(nn.Sequential):
    """Convolution with TensorFlow's "SAME" padding and its batch norm folded in (weights and a bias remain)."""

    def __init__(self, channels: tuple[int, int], kernel: int, stride: int, groups: int = 1) -> None:
        padding = (kernel - 1) // 2
        conv = nn.Conv2d(*channels, kernel, stride, padding if stride == 1 else 0, groups=groups)
        # With stride 2 on even sides, SAME puts the odd pixel right and below.
        pad = [nn.ZeroPad2d((padding - 1, padding, padding - 1, padding))] if stride == 2 else []
        super().__init__(*pad, conv)


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; with a shortcut where shapes allow it."""

    def __init__(self, channels: tuple[int, int], kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels[0] * expansion
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [SamePadConv((channels[0], inner), 1, 1), nn.ReLU6(inplace=True)]
        layers += [SamePadConv((inner, inner), kernel, stride, groups=inner), nn.ReLU6(inplace=True)]
        layers += [SamePadConv((inner, channels[1]), 1, 1)]
        self.layers = nn.Sequential(*layers)
        self.has_shortcut = stride == 1 and channels[0] == channels[1]

    def forward(self, features: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C', H / stride, W / stride)."""
        result: Tensor = self.layers(features)
        return features + result if self.has_shortcut else result


class EfficientNetLite0(nn.Module):
    """The trunk. Gives the features of `TAPPED_STAGES`, by name "0".."3"."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(SamePadConv((3, STEM_CHANNELS), 3, 2), nn.ReLU6(inplace=True))
        self.stages = nn.ModuleList()
        channels = STEM_CHANNELS
        for kernel, stride, expansion, width, repeats in STAGES:
            blocks = []
            for index in range(repeats):
                blocks.append(InvertedResidual((channels, width), kernel, stride if index == 0 else 1, expansion))
                channels = width
            self.stages.append(nn.Sequential(*blocks))

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """(N, 3, H, W), H and W multiples of 32 → features at strides 4, 8, 16, 32."""
        features = self.stem(pictures)
        tapped: dict[str, Tensor] = OrderedDict()
        for index, stage in enumerate(self.stages):
            features = stage(features)
            if index in TAPPED_STAGES:
                tapped[str(len(tapped))] = features
        return tapped

    def freeze_early_stages(self, count: int) -> None:
        """Exclude the stem and the first `count` stages from training; 0 leaves all trainable."""
        frozen = [self.stem, *self.stages[:count]] if count else []
        for module in frozen:
            module.requires_grad_(False)

    def load_imagenet(self, path: Path) -> None:
        """Fill from a checkpoint of conv and batch-norm tensors in network order, each norm folded in its conv.

        Raises ValueError where a shape does not fit.
        """
        state = torch.load(path, map_location="cpu", weights_only=True)
        values = [value for key, value in state.items() if not key.endswith("num_batches_tracked")]
        convs = [module for module in self.modules() if isinstance(module, nn.Conv2d)]
        for index, conv in enumerate(convs):
            weight, gamma, beta, mean, variance = values[5 * index : 5 * index + 5]
            if weight.shape != conv.weight.shape:
                raise ValueError(f"convolution {index} has shape {tuple(conv.weight.shape)}, not {tuple(weight.shape)}")
            gain = gamma / torch.sqrt(variance + BATCH_NORM_EPS)
            with torch.no_grad():
                conv.weight.copy_(weight * gain[:, None, None, None])
                assert conv.bias is not None
                conv.bias.copy_(beta - mean * gain)


class BuildingNetwork(nn.Module):
    """Mask R-CNN for one class, on pictures of one size."""

    def __init__(self, shape: NetworkShape | None = None) -> None:
        super().__init__()
        shape = shape or NetworkShape()
        self.shape = shape
        self.trunk = EfficientNetLite0()
        tapped = [STAGES[index][3] for index in TAPPED_STAGES]
        self.pyramid = FeaturePyramidNetwork(tapped, shape.pyramid_channels, LastLevelMaxPool())
        self.proposals = _make_proposals(shape)
        self.heads = _make_heads(shape)
        self.area = AreaHead(shape.pyramid_channels)

    def features(self, pictures: Tensor) -> dict[str, Tensor]:
        """pictures: (N, 3, H, W) in [0, 1], RGB → the pyramid's features by level."""
        return self._features_and_area(pictures)[0]

    def _features_and_area(self, pictures: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        tapped = self.trunk((pictures - PIXEL_MEAN) / PIXEL_STD)
        scaled = {level: tapped[level] / spread for level, spread in zip(tapped, TAP_SPREADS, strict=True)}
        result: tuple[dict[str, Tensor], Tensor] = self.area(self.pyramid(scaled))
        return result

    def losses(self, pictures: Tensor, targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        """Return the named losses of a batch; the network must be in training mode.

        targets: for each picture `boxes` (K, 4) px, `labels` (K,) ones, `masks` (K, H, W) uint8, `ignored` (J, 4) px.
        """
        pyramid, seen = self._features_and_area(pictures)
        features = {level: values.float() for level, values in pyramid.items()}
        images = _as_image_list(pictures)
        proposals, proposal_losses = self.proposals(images, features, targets)
        _, head_losses = self.heads(features, proposals, images.image_sizes, targets)
        return {**proposal_losses, **head_losses, "loss_area": self.area.loss(seen.float(), targets)}

    def load_weights(self, state: Mapping[str, Tensor]) -> None:
        """Take weights by name. Those of before the area head, and exported ones without its map, fit too.

        Raises RuntimeError where they are those of another network.
        """
        absent = self.load_state_dict(state, strict=False)
        wrong = [*absent.unexpected_keys, *(name for name in absent.missing_keys if not name.startswith(AREA_PREFIX))]
        if wrong:
            raise RuntimeError(f"not of this network, or missing: {', '.join(wrong[:3])}")
        if f"{AREA_PREFIX}fuse.weight" in absent.missing_keys:
            self.area.leave_pyramid()

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """pictures: (1, 3, H, W) in [0, 1] → boxes (K, 4) px, scores (K,), masks (K, 28, 28) probabilities."""
        features = self.features(pictures)
        images = _as_image_list(pictures)
        proposals, _ = self.proposals(images, features)
        found, _ = self.heads(features, proposals, images.image_sizes)
        return found[0]["boxes"], found[0]["scores"], found[0]["masks"][:, 0]


def _as_image_list(pictures: Tensor) -> ImageList:
    size = (int(pictures.shape[-2]), int(pictures.shape[-1]))
    return ImageList(pictures, [size] * int(pictures.shape[0]))


def _make_proposals(shape: NetworkShape) -> RegionProposalNetwork:
    levels = len(shape.anchor_sizes_px)
    anchors = AnchorGenerator(tuple((size,) for size in shape.anchor_sizes_px), (shape.anchor_ratios,) * levels)
    head = RPNHead(shape.pyramid_channels, anchors.num_anchors_per_location()[0])
    return BuildingProposals(
        anchors,
        head,
        fg_iou_thresh=0.6,
        bg_iou_thresh=0.3,
        batch_size_per_image=128,
        positive_fraction=0.5,
        pre_nms_top_n={"training": 500, "testing": 600},
        post_nms_top_n={"training": 400, "testing": 600},
        nms_thresh=0.7,
    )


def _make_heads(shape: NetworkShape) -> BuildingHeads:
    levels = [str(index) for index in range(len(TAPPED_STAGES))]
    inner = shape.mask_head_channels[-1]

    def align(side: int) -> MultiScaleRoIAlign:
        return MultiScaleRoIAlign(levels, side, 2, canonical_scale=shape.canonical_box_px)

    return BuildingHeads(
        align(7),
        TwoMLPHead(shape.pyramid_channels * 49, shape.box_head_channels),
        FastRCNNPredictor(shape.box_head_channels, 2),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=64,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=shape.score_min,
        nms_thresh=shape.nms_iou,
        detections_per_img=shape.detections_max,
        mask_roi_pool=align(14),
        mask_head=MaskRCNNHeads(shape.pyramid_channels, shape.mask_head_channels, 1),
        mask_predictor=MaskRCNNPredictor(inner, inner, 2),
    )
