"""What tiles are asked for, and how sets of them and their colours are described."""

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from processing.footprint_index.legend import LegendEntry
from processing.footprint_index.palettes import QUANTITIES, THEMES, Colour, Style
from processing.rendering.tile_grid import MAX_ZOOM, TILE_PX
from webapp.api.schemas.filters import MapFilterParams, one_of


class StyleParams(MapFilterParams):
    """Which footprints, and in which colours."""

    colour_by: str = Field("density", max_length=20, json_schema_extra=one_of(QUANTITIES))
    theme: str = Field("light", max_length=10, json_schema_extra=one_of(THEMES))

    def style(self) -> Style:
        """Return how to colour. Raises `ParameterInvalid`."""
        return Style(self.colour_by, self.theme)


class FootprintTileQuery(StyleParams):
    """`v` is not looked at: a new value makes browsers ask again."""

    size_px: int = TILE_PX
    v: str | None = Field(None, max_length=100)


class FootprintViewQuery(StyleParams):
    """A picture of one view, for reports. `bbox`: west,south,east,north in degrees."""

    bbox: str = Field(max_length=200, examples=["39.24,-6.05,39.25,-6.04"])
    width: int = Field(1200, ge=1, le=4096)
    height: int = Field(800, ge=1, le=4096)


class VectorTileQuery(MapFilterParams):
    """Which footprints. `v` as for pictures."""

    v: str | None = Field(None, max_length=100)


class LegendQuery(BaseModel):
    """Which colours. `z`: the zoom, which matters for densities."""

    model_config = ConfigDict(extra="forbid")

    colour_by: str = Field("density", max_length=20, json_schema_extra=one_of(QUANTITIES))
    theme: str = Field("light", max_length=10, json_schema_extra=one_of(THEMES))
    z: int = Field(12, ge=0, le=MAX_ZOOM)


class LegendEntryOut(BaseModel):
    """One colour, as #rrggbb: of a range of values that holds `low` and not `high` (null: open), or of a label."""

    colour: str
    low: float | None
    high: float | None
    label: str | None


class LegendOut(BaseModel):
    """What the colours mean. `unit` is that of `low` and `high`."""

    colour_by: str
    theme: str
    z: int
    unit: str | None
    entries: list[LegendEntryOut]

    @classmethod
    def of(cls, query: LegendQuery, entries: Sequence[LegendEntry]) -> "LegendOut":
        """Return the API's form of a legend."""
        shown = [
            LegendEntryOut(colour=_css(one.colour), low=one.low, high=_finite(one.high), label=one.label)
            for one in entries
        ]
        unit = UNITS.get(query.colour_by)
        return cls(colour_by=query.colour_by, theme=query.theme, z=query.z, unit=unit, entries=shown)


class VectorLayerOut(BaseModel):
    """A layer of vector tiles (TileJSON 3.0.0, 3.3)."""

    id: str
    description: str
    minzoom: int
    maxzoom: int
    fields: dict[str, str]


class TileJsonOut(BaseModel):
    """A set of tiles (TileJSON 3.0.0): https://github.com/mapbox/tilejson-spec/tree/master/3.0.0."""

    tilejson: str = "3.0.0"
    name: str
    description: str
    attribution: str
    scheme: str = "xyz"
    tiles: list[str]
    minzoom: int
    maxzoom: int
    bounds: tuple[float, float, float, float]
    vector_layers: list[VectorLayerOut] | None = None


UNITS = {"density": "buildings per km²", "area": "m²"}


def _css(colour: Colour) -> str:
    return "#" + bytes(colour).hex()


def _finite(value: float | None) -> float | None:
    return value if value is None or math.isfinite(value) else None
