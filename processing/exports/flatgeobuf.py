"""FlatGeobuf with its packed Hilbert R-tree, by the format's description (flatgeobuf.org), in little memory.

GDAL would hold a hundred megabytes and some hundred bytes a feature for its index.
"""

import shutil
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa

from processing.exports.arrow_batches import attribute_schema
from processing.exports.batches import FootprintBatch
from processing.exports.fgb_features import encoded
from processing.exports.fgb_header import header
from processing.exports.fgb_properties import storable
from processing.exports.fgb_runs import SortedRuns
from processing.exports.packed_tree import tree_chunks

LAYER = "footprints"


def write_fgb(path: Path, batches: Iterable[FootprintBatch]) -> None:
    """Write one layer with its index; the unordered features lie beside it meanwhile.

    Where a shape is empty there is no index: an empty shape has no place in it.
    """
    source = iter(batches)
    first = next(source, None)
    schema = storable(pa.schema([]) if first is None else attribute_schema(first))
    body, known = path.with_suffix(".body"), path.with_suffix(".places")
    with body.open("x+b") as file, known.open("x+b") as places, path.open("xb") as target:
        runs = SortedRuns(file, places)
        for batch in chain([] if first is None else [first], source):
            if batch.attributes.num_rows:
                runs.add(encoded(batch, schema))
        found = runs.finish()
        has_places = bool(np.isfinite(runs.low).all())
        bounds_deg = np.concatenate([runs.low, runs.high]) if has_places else None
        target.write(header(LAYER, schema, len(found.sizes), bounds_deg))
        if has_places:
            for nodes in tree_chunks(found.boxes, found.order, found.sizes[found.order]):
                target.write(nodes.data)
            found.write(target)
        else:
            file.seek(0)
            shutil.copyfileobj(file, target)
    body.unlink()
    known.unlink()
