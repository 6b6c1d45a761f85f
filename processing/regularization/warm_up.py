"""Compile the loops of regularization before a job waits for them; the machine code is kept for other processes."""

import shapely
from shapely.affinity import rotate

from processing.regularization.alignment import align
from processing.regularization.parameters import RegularizationParams
from processing.regularization.parting import part
from processing.regularization.regularize import regularize


def compile_loops() -> None:
    """Run every loop once on a few outlines. Takes seconds the first time on a machine, then next to nothing."""
    corner = shapely.box(0, 0, 40, 30).difference(shapely.box(25, 18, 40, 30))
    outlines = [rotate(corner, 5), shapely.box(38, 2, 70, 28), shapely.Point(90, 90).buffer(12)]
    params = RegularizationParams()
    fitted = regularize(outlines, 1.0, params)
    aligned = align(fitted, outlines, [fitted[1:2], fitted[:1], []], 1.0, params)
    part(aligned, outlines, [[one.outline for one in aligned[1:2]], [aligned[0].outline], []])
