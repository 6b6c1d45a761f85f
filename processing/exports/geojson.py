"""GeoJSON (RFC 7946) and GeoJSON text sequences (RFC 8142), feature by feature."""

import json
from collections.abc import Iterable, Iterator

import shapely
from geopandas import GeoDataFrame

from processing.exports.attributes import attribute_rows, outlines

RECORD_SEPARATOR = "\x1e"


def write_geojson(batches: Iterable[GeoDataFrame], title: str) -> Iterator[bytes]:
    """Stream one FeatureCollection."""
    yield b'{"type":"FeatureCollection","name":' + json.dumps(title).encode() + b',"features":['
    separator = "\n"
    for frame in batches:
        features = list(_features(frame))
        if features:
            yield (separator + ",\n".join(features)).encode()
            separator = ",\n"
    yield b"\n]}\n"


def write_geojsonseq(batches: Iterable[GeoDataFrame], title: str) -> Iterator[bytes]:
    """Stream features, each after a record separator."""
    del title
    for frame in batches:
        yield "".join(f"{RECORD_SEPARATOR}{feature}\n" for feature in _features(frame)).encode()


def _features(frame: GeoDataFrame) -> Iterator[str]:
    shapes = shapely.to_geojson(outlines(frame))
    for shape, attributes in zip(shapes, attribute_rows(frame), strict=True):
        properties = json.dumps(attributes, ensure_ascii=False, separators=(",", ":"))
        yield f'{{"type":"Feature","properties":{properties},"geometry":{shape}}}'
