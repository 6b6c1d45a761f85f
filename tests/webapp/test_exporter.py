"""The worker of exports stays small: it loads neither data frames nor detectors, whatever it writes."""

import json
import subprocess
import sys

SCRIPT = """
import json, sys
from pathlib import Path
from webapp import exporter
import pyarrow as pa, shapely
from processing.exports.writing import write_file
wkb = pa.array([shapely.to_wkb(shapely.box(0, 0, 1e-4, 1e-4))])
rows = pa.record_batch([pa.array(["a"]), pa.array([0.5]), wkb], names=["footprint_key", "confidence", "geometry"])
written = {}
for name in ("geojson", "parquet", "gpkg", "shapefile", "csv", "kmz"):
    written[name] = write_file(Path(sys.argv[1]) / name, [rows], title="t", format=name).rows
loaded = [name for name in ("pandas", "geopandas", "numba", "onnxruntime", "rasterio", "cv2") if name in sys.modules]
tasks = [name for name in exporter.app.tasks if not name.startswith("celery.")]
print(json.dumps([written, loaded, tasks]))
"""


def test_a_worker_of_exports_loads_no_data_frames_and_no_detector(tmp_path):
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    written, loaded, tasks = json.loads(said)
    assert set(written.values()) == {1}
    assert loaded == []
    assert tasks == ["write_export"]
