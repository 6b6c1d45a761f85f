"""KML 2.2, batch by batch. Every text goes through `xml_texts`, so that none can become markup."""

from collections.abc import Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from processing.exports.batches import FootprintBatch
from processing.exports.coordinate_text import KML, polygon_texts
from processing.exports.value_text import bytes_of, join_rows, xml_texts

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
TAIL = b"</Document></kml>\n"
OUTLINE_COLOUR, FILL_COLOUR = "ff2a7fff", "552a7fff"
"""KML writes alpha, blue, green, red."""
STYLE = (
    f'<Style id="footprint"><LineStyle><color>{OUTLINE_COLOUR}</color></LineStyle>'
    f"<PolyStyle><color>{FILL_COLOUR}</color></PolyStyle></Style>"
)


def write_kml(batches: Iterable[FootprintBatch], title: str) -> Iterator[bytes]:
    """Stream one document."""
    yield f"{HEAD}<name>{_escaped(title)}</name>{STYLE}".encode()
    for batch in batches:
        yield bytes_of(_placemarks(batch))
    yield TAIL


def _placemarks(batch: FootprintBatch) -> pa.Array:
    pieces: list[pa.Array | str] = ["<Placemark><styleUrl>#footprint</styleUrl><ExtendedData>"]
    for name, column in zip(batch.attributes.schema.names, batch.attributes.columns, strict=True):
        values = xml_texts(column)
        entry = join_rows(f'<Data name="{_escaped(name)}"><value>', pc.fill_null(values, ""), "</value></Data>")
        pieces.append(pc.if_else(pc.is_valid(values), entry, ""))
    return join_rows(*pieces, "</ExtendedData>", polygon_texts(batch.shapes, KML), "</Placemark>\n")


def _escaped(text: str) -> str:
    return str(xml_texts(pa.array([text]))[0].as_py())
