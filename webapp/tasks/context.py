"""What all tasks of a worker process share."""

from collections.abc import Callable
from dataclasses import dataclass

from processing.detector.protocol import Detector
from webapp.resources import Resources


@dataclass(frozen=True)
class WorkerContext:
    """What a worker process gives to its tasks. `load` returns the detector of named weights, kept between jobs."""

    resources: Resources
    name: str
    load: Callable[[str], Detector]
    is_shutting_down: Callable[[], bool] = lambda: False
