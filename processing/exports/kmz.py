"""KMZ: one KML document in a ZIP."""

from collections.abc import Iterable
from pathlib import Path

from processing.exports.batches import FootprintBatch
from processing.exports.kml import write_kml
from processing.exports.packing import new_archive, new_member

DOCUMENT = "doc.kml"


def write_kmz(path: Path, batches: Iterable[FootprintBatch], title: str) -> None:
    """Pack the document as it is written."""
    with new_archive(path) as archive, new_member(archive, DOCUMENT) as document:
        for chunk in write_kml(batches, title):
            document.write(chunk)
