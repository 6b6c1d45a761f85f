"""The card of several weights that work as one detector."""

import hashlib
from collections.abc import Sequence

from processing.detector.protocol import DetectorCard
from processing.errors import EnsembleInvalid

SAME = ("window_px", "stride_px", "gsd_working_m", "gsd_enlarged_m")


def joint_card(cards: Sequence[DetectorCard]) -> DetectorCard:
    """Return the common card: the range of ground sampling distances that all accept, one hash over all hashes.

    The hash does not depend on the order. Raises `EnsembleInvalid` where windows differ or no range is common.
    """
    names = " + ".join(card.name for card in cards)
    for field in SAME:
        values = {getattr(card, field) for card in cards}
        if len(values) > 1:
            found = ", ".join(str(value) for value in sorted(values, key=str))
            raise EnsembleInvalid(name=names, detail=f"their {field} differs: {found}")
    finest, coarsest = max(card.gsd_min_m for card in cards), min(card.gsd_max_m for card in cards)
    if finest > coarsest:
        raise EnsembleInvalid(name=names, detail="no ground sampling distance suits all of them")
    hashes = sorted(card.weights_sha256 for card in cards)
    return DetectorCard(
        name=names,
        window_px=cards[0].window_px,
        stride_px=cards[0].stride_px,
        gsd_min_m=finest,
        gsd_max_m=coarsest,
        gsd_working_m=cards[0].gsd_working_m,
        gsd_enlarged_m=cards[0].gsd_enlarged_m,
        weights_sha256=hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
    )
