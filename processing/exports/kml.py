"""KML 2.2, placemark by placemark, written by an XML library so that no text can become markup."""

import re
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import shapely
from geopandas import GeoDataFrame
from shapely.geometry.base import BaseGeometry

from processing.exports.attributes import attribute_rows, outlines

HEAD = b'<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>'
TAIL = b"</Document></kml>\n"
NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
OUTLINE_COLOUR, FILL_COLOUR = "ff2a7fff", "552a7fff"
"""KML writes alpha, blue, green, red."""


def write_kml(batches: Iterable[GeoDataFrame], title: str) -> Iterator[bytes]:
    """Stream one document."""
    yield HEAD
    yield _bytes(_text(Element("name"), title)) + _bytes(_style())
    for frame in batches:
        shapes = outlines(frame)
        yield b"".join(_bytes(_placemark(*pair)) for pair in zip(shapes, attribute_rows(frame), strict=True))
    yield TAIL


def _bytes(element: Element) -> bytes:
    return ElementTree.tostring(element, encoding="unicode").encode()


def _text(element: Element, text: Any) -> Element:
    element.text = NOT_IN_XML.sub("", str(text))
    return element


def _style() -> Element:
    style = Element("Style", id="footprint")
    _text(SubElement(SubElement(style, "LineStyle"), "color"), OUTLINE_COLOUR)
    _text(SubElement(SubElement(style, "PolyStyle"), "color"), FILL_COLOUR)
    return style


def _placemark(shape: BaseGeometry, attributes: dict[str, Any]) -> Element:
    placemark = Element("Placemark")
    _text(SubElement(placemark, "styleUrl"), "#footprint")
    data = SubElement(placemark, "ExtendedData")
    for name, value in attributes.items():
        if value is not None:
            entry = SubElement(data, "Data", name=NOT_IN_XML.sub("", name))
            _text(SubElement(entry, "value"), value)
    polygons = shapely.get_parts(shape)
    parent = placemark if len(polygons) == 1 else SubElement(placemark, "MultiGeometry")
    for polygon in polygons:
        _polygon(parent, polygon)
    return placemark


def _polygon(parent: Element, polygon: BaseGeometry) -> None:
    element = SubElement(parent, "Polygon")
    _ring(SubElement(element, "outerBoundaryIs"), polygon.exterior)
    for hole in polygon.interiors:
        _ring(SubElement(element, "innerBoundaryIs"), hole)


def _ring(parent: Element, ring: BaseGeometry) -> None:
    corners = " ".join(f"{lon_deg:.8f},{lat_deg:.8f}" for lon_deg, lat_deg in shapely.get_coordinates(ring))
    _text(SubElement(SubElement(parent, "LinearRing"), "coordinates"), corners)
