# mypy: disallow-subclassing-any=False
"""A head that learns where any building is, and tells the pyramid. Needs torch.

Instances are learned box by box; where one roof ends and the next begins is hard to see in a dense town, where roofs
are at all is not. The head is taught that by the union of all labels (Panoptic FPN, Kirillov et al. 2019, has such a
branch beside Mask R-CNN), and what it saw is added to each level of the pyramid. Its own map is of use in training
alone: the exported network leaves it out.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

INNER_CHANNELS = 64
STRIDE_PX = 4
"""Of the finest level of the pyramid, at which the head works."""
LEVELS = ("0", "1", "2", "3")
LOSS_WEIGHT = 0.5


class AreaHead(nn.Module):
    """Adds to a pyramid what it sees in the finest level. A new one adds nothing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.Conv2d(channels, INNER_CHANNELS, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(INNER_CHANNELS, INNER_CHANNELS, 3, padding=1),
            nn.ReLU(),
        )
        self.logit = nn.Conv2d(INNER_CHANNELS, 1, 1)
        self.fuse = nn.Conv2d(INNER_CHANNELS, channels, 1)
        self.leave_pyramid()

    def leave_pyramid(self) -> None:
        """Add nothing, as weights that were trained without this head need it."""
        nn.init.zeros_(self.fuse.weight)
        assert self.fuse.bias is not None
        nn.init.zeros_(self.fuse.bias)

    def forward(self, pyramid: dict[str, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
        """Return the pyramid with what was seen, and what was seen (N, 64, H / 4, W / 4)."""
        seen: Tensor = self.inner(pyramid[LEVELS[0]])
        added: Tensor = self.fuse(seen)
        result = OrderedDict(pyramid)
        for power, level in enumerate(LEVELS):
            result[level] = pyramid[level] + (functional.avg_pool2d(added, 2**power) if power else added)
        return result, seen

    def loss(self, seen: Tensor, targets: list[dict[str, Tensor]]) -> Tensor:
        """Return cross-entropy and Dice loss of the share of building in each cell. Masks are (K, H, W) uint8."""
        logit = self.logit(seen)[:, 0]
        truth = torch.stack([built_share(target["masks"]) for target in targets])
        guess = torch.sigmoid(logit)
        dice = 1 - (2 * (guess * truth).sum() + 1) / (guess.sum() + truth.sum() + 1)
        return LOSS_WEIGHT * (functional.binary_cross_entropy_with_logits(logit, truth) + dice)


def built_share(masks: Tensor) -> Tensor:
    """Return the share of each cell of 4 × 4 px that some mask (K, H, W) covers: (H / 4, W / 4) float."""
    union = masks.amax(0) if len(masks) else masks.new_zeros(masks.shape[-2:])
    share: Tensor = functional.avg_pool2d(union.float()[None, None], STRIDE_PX)
    return share[0, 0]
