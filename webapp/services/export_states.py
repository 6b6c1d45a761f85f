"""What rows of exports hold when they end, and how their ids are stored."""

import zlib

import numpy as np
from numpy.typing import NDArray

from models.base import now_s
from models.export import ExportState
from webapp.resources import Resources

DAY_S = 86_400.0


def deleted_values(resources: Resources) -> dict[str, object]:
    """Return the columns of an export that was deleted."""
    return ended_values(resources, ExportState.DELETED) | {"storage_key": None, "size_bytes": None, "sha256": None}


def ended_values(resources: Resources, state: ExportState) -> dict[str, object]:
    """Return the columns of an export that has ended in a state."""
    return {
        "state": str(state),
        "lease_owner": None,
        "lease_until": None,
        "finished_at": now_s(),
        "expires_at": now_s() + resources.settings.export_retention_days * DAY_S,
    }


def unpacked(ids: bytes) -> NDArray[np.int64]:
    """Return (N,) the ids of a part."""
    return np.frombuffer(zlib.decompress(ids), "<i8").astype(np.int64)
