"""Which errors an operation can answer with: by what it looks like, and what is special about it.

Generated calls (`tests/contract`) fail on every code that is answered and not listed here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from processing import errors as core
from webapp import (
    access_errors,
    building_errors,
    errors,
    export_errors,
    idempotency_errors,
    ogc_errors,
    state_errors,
    upload_errors,
)
from webapp.api.call_limits import COUNTED_PREFIXES
from webapp.api.gate import is_public
from webapp.api.scopes import READS

ErrorKinds = tuple[type[Exception], ...]

ALWAYS: ErrorKinds = (errors.HostNotAllowed, access_errors.AddressNotAllowed, errors.DatabaseBusy)
SIGNED_IN: ErrorKinds = (errors.NotSignedIn, errors.Forbidden)
COUNTED: ErrorKinds = (errors.CallLimitExceeded,)
CHANGING: ErrorKinds = (errors.CsrfTokenInvalid,)
WITH_VALUES: ErrorKinds = (errors.RequestInvalid,)
WITH_KEY: ErrorKinds = (
    idempotency_errors.IdempotencyKeyInvalid,
    idempotency_errors.IdempotencyKeyReused,
    idempotency_errors.IdempotencyKeyInFlight,
)
WITH_STATE: ErrorKinds = (core.StateUnknown,)
WITH_BODY: ErrorKinds = (errors.RequestTooLarge,)
OF_ONE_THING: ErrorKinds = (errors.NotFound,)
WITH_BOX: ErrorKinds = (errors.BboxInvalid,)
UPLOADING: ErrorKinds = (
    errors.MediaTypeNotAllowed,
    errors.UploadTooLarge,
    errors.UploadStalled,
    errors.UploadEmpty,
    errors.UploadIncomplete,
    errors.DiskFull,
    errors.StorageUnavailable,
)
SCENE_FILE: ErrorKinds = (
    core.NotARaster,
    core.RasterUnreadable,
    core.RasterTooLarge,
    core.CrsMissing,
    core.CrsUnusable,
    core.GeotransformInvalid,
    core.BandsNotAllowed,
    core.DtypeNotAllowed,
    core.SceneEmpty,
)
FOOTPRINT_FILE: ErrorKinds = (
    core.VectorFormatUnknown,
    core.VectorUnreadable,
    core.VectorTooLarge,
    core.VectorCrsMissing,
    core.CrsUnusable,
    core.LayerAmbiguous,
    core.ArchiveUnsafe,
    core.ColumnMissing,
    core.ParameterInvalid,
)
EXTRACTION: ErrorKinds = (
    core.ParameterInvalid,
    core.WeightsUnknown,
    core.EnsembleInvalid,
    core.PixelSizeTooLarge,
    core.PixelSizeTooSmall,
    errors.QuotaExceeded,
)
REGION: ErrorKinds = (core.AoiInvalid, core.AoiOutsideScene)
PASSWORD: ErrorKinds = (errors.AccountInvalid, errors.TooManyLogins)
PASSWORD_TRIED: ErrorKinds = (errors.CredentialsWrong, errors.LoginDelayed, errors.TooManyLogins)
INDEX: ErrorKinds = (errors.IndexNotReady, core.FootprintIndexDamaged, core.ParameterInvalid)
STORED_FILE: ErrorKinds = (export_errors.RangeNotSatisfiable, errors.StorageUnavailable)
WEIGHTS: ErrorKinds = (core.ParameterInvalid, core.WeightsUnknown, core.EnsembleInvalid)
TUS: ErrorKinds = (upload_errors.ProtocolVersionUnknown, upload_errors.UploadBusy)
PIECE: ErrorKinds = (
    *TUS,
    upload_errors.UploadClosed,
    upload_errors.UploadOffsetWrong,
    upload_errors.TooManyUploads,
    upload_errors.ChecksumWrong,
    *SCENE_FILE,
    *FOOTPRINT_FILE,
    *EXTRACTION,
)
LINKED: ErrorKinds = (
    access_errors.DownloadLinkInvalid,
    export_errors.ExportNotReady,
    export_errors.ExportFailed,
    *STORED_FILE,
)
OGC: ErrorKinds = (ogc_errors.QueryInvalid,)

OF_OPERATION: dict[str, ErrorKinds] = {
    "login": PASSWORD_TRIED,
    "refresh_token": (errors.RefreshTokenInvalid,),
    "register": (*PASSWORD, errors.RegistrationClosed, errors.MailNotSetUp),
    "confirm_registration": (errors.MailTokenInvalid, errors.UsernameTaken),
    "change_password": (*PASSWORD_TRIED, errors.AccountInvalid),
    "request_password_reset": (errors.AccountInvalid, errors.MailNotSetUp),
    "reset_password": (*PASSWORD, errors.MailTokenInvalid),
    "generate_api_key": (errors.AccountInvalid, errors.TooManyApiKeys),
    "create_user": (*PASSWORD, errors.UsernameTaken),
    "change_user": (errors.LastAdministrator,),
    "reset_user_password": PASSWORD,
    "upload_image": (*SCENE_FILE, *EXTRACTION),
    "extract_buildings": (*EXTRACTION, *REGION),
    "estimate_extraction": (*EXTRACTION, *REGION),
    "process_state": (*EXTRACTION, core.StateUnknown, state_errors.NoImagery),
    "upload_scene": SCENE_FILE,
    "create_upload": PIECE,
    "get_upload": TUS,
    "delete_upload": TUS,
    "add_piece": PIECE,
    "delete_job": (errors.ImportInUse, state_errors.JobInUse, state_errors.JobIsPart, errors.StorageUnavailable),
    "link_export": (export_errors.ExportNotReady, export_errors.ExportFailed),
    "download_linked_export": LINKED,
    "download_linked_file": LINKED,
    "get_landing_page": OGC,
    "get_conformance": OGC,
    "get_ogc_definition": OGC,
    "list_collections": OGC,
    "get_collection": OGC,
    "get_queryables": OGC,
    "get_collection_schema": OGC,
    "list_features": (*OGC, ogc_errors.FilterInvalid, ogc_errors.CrsUnknown, building_errors.CursorInvalid),
    "get_feature": (*OGC, ogc_errors.CrsUnknown),
    "delete_scene": (errors.SceneInUse,),
    "create_import": FOOTPRINT_FILE,
    "delete_import": (errors.ImportInUse,),
    "list_files": OF_ONE_THING,
    "list_jobs": OF_ONE_THING,
    "download_file": STORED_FILE,
    "delete_file": (errors.SceneInUse, errors.ImportInUse),
    "retry_job": (
        building_errors.JobNotRetryable,
        state_errors.JobIsPart,
        *EXTRACTION,
        *REGION,
        errors.StorageUnavailable,
    ),
    "list_buildings": (building_errors.CursorInvalid, core.ParameterInvalid),
    "get_building_statistics": (core.ParameterInvalid,),
    "get_view_statistics": INDEX,
    "export_buildings": (errors.FormatUnknown, *INDEX),
    "update_building": (building_errors.PreconditionMissing, building_errors.VersionOutdated, core.FootprintInvalid),
    "delete_building": (building_errors.VersionOutdated, building_errors.BuildingInUse),
    "create_export": (errors.FormatUnknown, *WITH_BOX, export_errors.TooManyExports, core.StateUnknown, *INDEX),
    "download_export": (export_errors.ExportNotReady, export_errors.ExportFailed, *STORED_FILE),
    "list_models": WEIGHTS,
    "get_model": WEIGHTS,
    "get_base_tile": (core.ParameterInvalid,),
    "get_scene_tile": (core.ParameterInvalid, errors.TilesNotReady, errors.StorageUnavailable),
    "get_footprint_tile": INDEX,
    "get_footprint_vector_tile": INDEX,
    "get_footprint_view": INDEX,
    "get_vector_tile_set": INDEX,
    "get_raster_tile_set": INDEX,
    "get_legend": INDEX,
}
"""Beside what the shape of an operation says already."""
BOXES = {"bbox", "view"}
THINGS = {"job_id", "scene_id"}
"""Parameters and fields that name a thing which may not be there."""


def errors_of(path: str, method: str, operation: Mapping[str, Any]) -> list[type[Exception]]:
    """Return the kinds of errors of an operation (method in upper case), each once."""
    found = [*_by_shape(path, method, operation), *OF_OPERATION.get(operation["operationId"], ())]
    return list(dict.fromkeys(found))


def _by_shape(path: str, method: str, operation: Mapping[str, Any]) -> Iterator[type[Exception]]:
    yield from ALWAYS
    parameters = operation.get("parameters", ())
    names = {one["name"] for one in parameters}
    media_types = operation.get("requestBody", {}).get("content", {})
    yield from () if is_public(path, method) else SIGNED_IN
    yield from COUNTED if path.startswith(COUNTED_PREFIXES) else ()
    yield from () if method in READS or is_public(path, method) else CHANGING
    yield from WITH_VALUES if parameters or media_types else ()
    yield from WITH_KEY if "Idempotency-Key" in names else ()
    yield from WITH_STATE if "state" in names else ()
    yield from WITH_BOX if BOXES & names else ()
    yield from OF_ONE_THING if "{" in path or THINGS & names or "application/json" in media_types else ()
    if "application/json" in media_types:
        yield from WITH_BODY
    elif media_types:
        yield from UPLOADING
