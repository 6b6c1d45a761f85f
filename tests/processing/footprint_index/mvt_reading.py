"""A strict reader of Mapbox Vector Tiles 2.1, written from the specification and sharing nothing with our writer.

What the specification forbids is an AssertionError.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import shapely


@dataclass(frozen=True)
class Feature:
    id: int | None
    kind: int
    properties: dict[str, Any]
    rings: list[list[tuple[int, int]]]
    """Of polygons; of points one ring with the points. Units of the tile, y downwards."""

    @property
    def shape(self) -> shapely.MultiPolygon:
        polygons: list[tuple[list[tuple[int, int]], list[list[tuple[int, int]]]]] = []
        for ring in self.rings:
            if doubled_area(ring) > 0:
                polygons.append((ring, []))
            else:
                polygons[-1][1].append(ring)
        return shapely.MultiPolygon([shapely.Polygon(outer, holes) for outer, holes in polygons])


@dataclass(frozen=True)
class Layer:
    name: str
    extent: int
    keys: list[str]
    values: list[Any]
    features: list[Feature]


def read_tile(data: bytes) -> list[Layer]:
    layers = [_layer(value) for number, kind, value in _fields(data) if _is(number, kind, 3, 2)]
    assert len({layer.name for layer in layers}) == len(layers)
    return layers


def only_layer(data: bytes) -> Layer:
    (layer,) = read_tile(data)
    return layer


def doubled_area(ring: list[tuple[int, int]]) -> int:
    following = [*ring[1:], ring[0]]
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, following, strict=True))


def _layer(data: bytes) -> Layer:
    found: dict[int, list[Any]] = {number: [] for number in (1, 2, 3, 4, 5, 15)}
    for number, _, value in _fields(data):
        found[number].append(value)
    assert found[15] == [2]
    assert len(found[1]) == len(found[5]) == 1
    assert found[2], "a layer holds at least one feature"
    keys, values = [key.decode() for key in found[3]], [_value(value) for value in found[4]]
    assert len(set(keys)) == len(keys)
    assert len({(type(value), value) for value in values}) == len(values)
    features = [_feature(feature, keys, values) for feature in found[2]]
    ids = [feature.id for feature in features if feature.id is not None]
    assert len(set(ids)) == len(ids)
    return Layer(found[1][0].decode(), found[5][0], keys, values, features)


def _value(data: bytes) -> Any:
    ((number, _, value),) = _fields(data)
    if number == 1:
        return value.decode()
    return struct.unpack({2: "<f", 3: "<d"}[number], value)[0] if number in (2, 3) else {4: int, 5: int}[number](value)


def _feature(data: bytes, keys: list[str], values: list[Any]) -> Feature:
    found = {number: value for number, _, value in _fields(data)}
    tags = list(_varints(found[2]))
    assert len(tags) % 2 == 0
    properties = {keys[key]: values[value] for key, value in zip(tags[::2], tags[1::2], strict=True)}
    assert len(properties) == len(tags) // 2
    commands = list(_varints(found[4]))
    rings = [_points(commands)] if found[3] == 1 else _rings(commands)
    return Feature(found.get(1), found[3], properties, rings)


def _points(commands: list[int]) -> list[tuple[int, int]]:
    assert commands[0] & 7 == 1
    assert len(commands) == 1 + 2 * (commands[0] >> 3)
    return list(_moves((0, 0), commands[1:]))


def _rings(commands: list[int]) -> list[list[tuple[int, int]]]:
    rings, at, cursor = [], 0, (0, 0)
    while at < len(commands):
        assert commands[at] == 9, "a ring begins with MoveTo, once"
        assert commands[at + 3] & 7 == 2
        lines = commands[at + 3] >> 3
        assert lines > 1
        end = at + 4 + 2 * lines
        ring = list(_moves(cursor, commands[at + 1 : at + 3] + commands[at + 4 : end]))
        assert commands[end] == 15, "a ring ends with ClosePath"
        assert all(before != after for before, after in zip(ring, [*ring[1:], ring[0]], strict=True))
        assert doubled_area(ring) != 0
        assert rings or doubled_area(ring) > 0, "the first ring is an exterior one"
        rings.append(ring)
        at, cursor = end + 1, ring[-1]
    return rings


def _moves(cursor: tuple[int, int], numbers: list[int]) -> Iterator[tuple[int, int]]:
    for dx, dy in zip(numbers[::2], numbers[1::2], strict=True):
        cursor = cursor[0] + (dx >> 1 ^ -(dx & 1)), cursor[1] + (dy >> 1 ^ -(dy & 1))
        yield cursor


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = _varint(data, at)
        else:
            size, at = (8, at) if kind == 1 else (4, at) if kind == 5 else _varint(data, at)
            assert kind in (1, 2, 5)
            value, at = data[at : at + size], at + size
            assert len(value) == size
        yield tag >> 3, kind, value
    assert at == len(data)


def _varints(data: bytes) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        shift, at = shift + 7, at + 1
        if byte < 128:
            return value, at


def _is(number: int, kind: int, expected: int, expected_kind: int) -> bool:
    assert (number, kind) == (expected, expected_kind)
    return True
