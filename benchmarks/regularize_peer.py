"""The `buildingregulariser` package on a file of polygons. Runs by itself in an interpreter that has the package.

Arguments: a .npz file with `wkb` (bytes, one after the other), `ends` (N,) and JSON `options`; the file to write.
"""

import json
import os
import sys
import time
import warnings

import geopandas
import numpy as np
import shapely
from buildingregulariser import regularize_geodataframe


def unpack(content: dict[str, np.ndarray]) -> np.ndarray:
    """Return the polygons."""
    data, ends = content["wkb"].tobytes(), content["ends"].tolist()
    return shapely.from_wkb([data[start:stop] for start, stop in zip([0, *ends[:-1]], ends, strict=True)])


def main() -> None:
    """Regularize; write the outlines, which input each comes from, and the time."""
    with np.load(sys.argv[1]) as content:
        polygons, options = unpack(content), json.loads(str(content["options"]))
    frame = geopandas.GeoDataFrame({"at": np.arange(len(polygons))}, geometry=polygons, crs=32633)
    warnings.simplefilter("ignore")
    started_s, before = time.perf_counter(), os.times()
    result = regularize_geodataframe(frame, **options)
    seconds, after = time.perf_counter() - started_s, os.times()
    cpu_s = sum(after[:4]) - sum(before[:4])
    wkb = shapely.to_wkb(result.geometry.to_numpy())
    np.savez(
        sys.argv[2],
        wkb=np.frombuffer(b"".join(wkb), np.uint8),
        ends=np.cumsum([len(item) for item in wkb]),
        at=result["at"].to_numpy(),
        seconds=[seconds, cpu_s],
    )


if __name__ == "__main__":
    main()
