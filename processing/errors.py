"""Errors of the pure core. Each carries a stable code and the parameters of its sentence.

The web layer maps codes to HTTP statuses (`webapp/errors.py`); nothing here knows HTTP.
"""

from typing import Any, ClassVar


class ProcessingError(Exception):
    """A problem that the person who gave the input can understand and mend.

    `code` is stable and part of the API; `parameters` are plain JSON values that the sentence uses.
    """

    code: ClassVar[str] = "ProcessingError"
    template: ClassVar[str] = "Processing failed."

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters
        super().__init__(self.template.format(**parameters))


class NotARaster(ProcessingError):
    """The file's first bytes are not those of a GeoTIFF."""

    code = "NotARaster"
    template = "{name} is not a GeoTIFF: its content is {found}. Upload a GeoTIFF (.tif)."


class SceneFileMissing(ProcessingError):
    """There is no file where the scene should be."""

    code = "SceneFileMissing"
    template = "{name} cannot be opened: {detail}."


class RasterUnreadable(ProcessingError):
    """The file claims to be a GeoTIFF, but cannot be read."""

    code = "RasterUnreadable"
    template = "{name} cannot be read as a GeoTIFF; it may be truncated or damaged. {detail}"


class RasterTooLarge(ProcessingError):
    """The header announces more pixels than the budget allows."""

    code = "RasterTooLarge"
    template = "{name} decodes to {decoded_gb:.1f} GB; the limit is {limit_gb:.1f} GB."


class CrsMissing(ProcessingError):
    """The raster has no coordinate reference system."""

    code = "CrsMissing"
    template = "{name} has no coordinate reference system. Assign one (for example with gdal_edit) and try again."


class CrsUnusable(ProcessingError):
    """The raster's coordinate reference system cannot be related to the Earth."""

    code = "CrsUnusable"
    template = "{name} has a coordinate reference system that cannot be turned into longitude and latitude: {detail}"


class GeotransformInvalid(ProcessingError):
    """The raster has no usable mapping from pixels to coordinates."""

    code = "GeotransformInvalid"
    template = "{name} has no usable georeference: {detail}."


class BandsNotAllowed(ProcessingError):
    """The band layout cannot be turned into a picture."""

    code = "BandsNotAllowed"
    template = "{name} has bands that cannot be used: {detail}."


class DtypeNotAllowed(ProcessingError):
    """The data type cannot be turned into a picture."""

    code = "DtypeNotAllowed"
    template = "{name} has pixels of type {dtype}; integers and real floats up to 64 bit are supported."


class SceneEmpty(ProcessingError):
    """Every pixel is nodata."""

    code = "SceneEmpty"
    template = "{name} holds no valid pixel: all of it is nodata."


class PixelSizeTooLarge(ProcessingError):
    """The ground sampling distance is coarser than the detector can use."""

    code = "PixelSizeTooLarge"
    template = (
        "{name} has a ground sampling distance of {gsd_m:.2f} m; "
        "this detector needs {gsd_max_m:.2f} m or finer to see buildings."
    )


class PixelSizeTooSmall(ProcessingError):
    """The ground sampling distance is finer than the detector can use."""

    code = "PixelSizeTooSmall"
    template = (
        "{name} has a ground sampling distance of {gsd_m:.4f} m; this detector needs {gsd_min_m:.4f} m or coarser."
    )


class AoiInvalid(ProcessingError):
    """The drawn or given region is not a valid area."""

    code = "AoiInvalid"
    template = "The region is not a valid polygon: {detail}."


class AoiOutsideScene(ProcessingError):
    """The region and the scene do not meet."""

    code = "AoiOutsideScene"
    template = "The region does not meet the scene {name}. Draw it over the imagery."


class WeightsInvalid(ProcessingError):
    """The weights file is missing or is not one of ours."""

    code = "WeightsInvalid"
    template = "The detector weights {name} cannot be used: {detail}."


class WeightsUnknown(WeightsInvalid):
    """No weights of that name are installed."""

    code = "WeightsUnknown"


class EnsembleInvalid(WeightsInvalid):
    """Several weights cannot work as one detector."""

    code = "EnsembleInvalid"
    template = "The weights {name} cannot work together: {detail}."


class LabelsInvalid(ProcessingError):
    """A folder of labelled pictures cannot be used."""

    code = "LabelsInvalid"
    template = "The labels in {name} cannot be used: {detail}."


class DeviceUnavailable(ProcessingError):
    """The asked-for device is not on this machine."""

    code = "DeviceUnavailable"
    template = "The device {device} is not available here: {detail}."


class OutputUnsupported(ProcessingError):
    """The output file's suffix names no driver that we write."""

    code = "OutputUnsupported"
    template = "The output {name} has an unknown suffix; use one of {allowed}."


class OutputNotWritable(ProcessingError):
    """The output cannot be written (no folder, no rights, disk full)."""

    code = "OutputNotWritable"
    template = "The output {name} cannot be written: {detail}."


class ExportTooLarge(ProcessingError):
    """The chosen format cannot hold this many footprints."""

    code = "ExportTooLarge"
    template = (
        "{format} files end at {limit_gb:.0f} GB and these footprints need more; choose GeoPackage or GeoParquet."
    )


class FootprintsInvalid(ProcessingError):
    """Footprints that the index cannot hold."""

    code = "FootprintsInvalid"
    template = "The footprints {ids} cannot be indexed: {detail}."


class FootprintIndexDamaged(ProcessingError):
    """A file of the footprint index is not what it should be; the index must be built anew from the database."""

    code = "FootprintIndexDamaged"
    template = "The footprint index cannot be read ({name}: {detail}). Build it anew."


class ParameterInvalid(ProcessingError):
    """A parameter is outside its range."""

    code = "ParameterInvalid"
    template = "{parameter} is {value}; {rule}."


class VectorFormatUnknown(ProcessingError):
    """The file of footprints is in no format that is read."""

    code = "VectorFormatUnknown"
    template = (
        "{name} cannot be imported: its content is {found}. "
        "Give GeoParquet, GeoJSON, GeoJSON text sequence, FlatGeobuf, GeoPackage or a zipped Shapefile."
    )


class VectorUnreadable(ProcessingError):
    """The file of footprints is damaged or ends early."""

    code = "VectorUnreadable"
    template = "{name} cannot be read: {detail}."


class VectorTooLarge(ProcessingError):
    """The file of footprints asks for more than one file may."""

    code = "VectorTooLarge"
    template = "{name} is too large to import: the limit is {limit}."


class VectorCrsMissing(ProcessingError):
    """The file of footprints has no coordinate reference system, and the caller gave none."""

    code = "VectorCrsMissing"
    template = "{name} names no coordinate reference system. Say which one it has, for example EPSG:4326."


class LayerAmbiguous(ProcessingError):
    """The file holds no layer of the wanted name, or several layers and no wanted name."""

    code = "LayerAmbiguous"
    template = "It is not clear which layer of {name} is meant; choose one of: {layers}."


class ArchiveUnsafe(ProcessingError):
    """The ZIP would write where it may not, or grow beyond reason."""

    code = "ArchiveUnsafe"
    template = "{name} is not unpacked: {detail}."


class ColumnMissing(ProcessingError):
    """The caller names a column that the file does not have."""

    code = "ColumnMissing"
    template = "{name} has no column {column}; it has: {columns}."


class FootprintInvalid(ProcessingError):
    """A drawn outline that cannot be a building."""

    code = "FootprintInvalid"
    template = "The outline cannot be used: {detail}."


class Cancelled(ProcessingError):
    """The work was asked to stop."""

    code = "Cancelled"
    template = "The work was cancelled."


class StateUnknown(ProcessingError):
    """Nothing in the USA is called so."""

    code = "StateUnknown"
    template = "There is no US state {state}; give a name, a postal code or a FIPS code. The nearest names: {nearest}."
