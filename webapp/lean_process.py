"""A process that holds as little as it can: what libraries would load only because it is installed stays out."""

import pyarrow as pa

from processing.lean_imports import refuse_data_frames


def keep_lean() -> None:
    """Refuse data frames in this process, and give memory that Arrow no longer needs back to the system."""
    refuse_data_frames()
    pa.set_memory_pool(pa.system_memory_pool())
