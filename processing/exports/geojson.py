"""GeoJSON (RFC 7946) and GeoJSON text sequences (RFC 8142), batch by batch."""

import json
from collections.abc import Iterable, Iterator

import pyarrow as pa

from processing.exports.batches import FootprintBatch
from processing.exports.coordinate_text import GEOJSON, polygon_texts
from processing.exports.value_text import bytes_of, join_rows, json_texts

RECORD_SEPARATOR = "\x1e"
BETWEEN = b",\n"


def write_geojson(batches: Iterable[FootprintBatch], title: str) -> Iterator[bytes]:
    """Stream one FeatureCollection."""
    yield b'{"type":"FeatureCollection","name":' + json.dumps(title).encode() + b',"features":['
    separator = b"\n"
    for batch in batches:
        features = bytes_of(_features(batch, "", BETWEEN.decode()))
        if features:
            yield separator + features[: -len(BETWEEN)]
            separator = BETWEEN
    yield b"\n]}\n"


def write_geojsonseq(batches: Iterable[FootprintBatch], title: str) -> Iterator[bytes]:
    """Stream features, each after a record separator."""
    del title
    for batch in batches:
        yield bytes_of(_features(batch, RECORD_SEPARATOR, "\n"))


def _features(batch: FootprintBatch, before: str, after: str) -> pa.Array:
    pieces: list[pa.Array | str] = []
    opening = before + '{"type":"Feature","properties":{'
    for name, column in zip(batch.attributes.schema.names, batch.attributes.columns, strict=True):
        pieces += [opening + json.dumps(name, ensure_ascii=False) + ":", json_texts(column)]
        opening = ","
    closing = '},"geometry":' if pieces else opening + '},"geometry":'
    return join_rows(*pieces, closing, polygon_texts(batch.shapes, GEOJSON), "}" + after)
