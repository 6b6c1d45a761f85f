"""The installation's figures, and those of this process, in the text format that Prometheus reads."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from webapp.connection_places import PlacesUsed
from webapp.services.health import Health
from webapp.services.installation_figures import InstallationFigures, StoredFigures
from webapp.version import product_version

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def metrics_text(process: CollectorRegistry, metrics: Iterable[Metric]) -> bytes:
    """Return all figures as text."""
    return generate_latest(_Gathered(process, metrics))  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Gathered:
    """What one answer holds, to be written as if it were a registry."""

    process: CollectorRegistry
    metrics: Iterable[Metric]

    def collect(self) -> Iterator[Metric]:
        yield from self.process.collect()
        yield from self.metrics


def metrics_of(health: Health, figures: InstallationFigures, places: PlacesUsed) -> Iterator[Metric]:
    """Yield the installation's figures and this process's view of its parts; what has no value now is left out."""
    yield InfoMetricFamily("footprints_build", "Version of the product.", value={"version": product_version()})
    parts = {(name,): float(check.ok) for name, check in health.checks.items()}
    yield _gauge("part_up", "Whether this process reaches a part that it needs.", parts, "part")
    yield _gauge("free_disk_bytes", "Room on the disk of DATA_DIR.", {(): figures.free_disk_bytes})
    yield _gauge("database_connections", "Connections this process may have.", {(): places.number})
    yield _gauge("database_connections_in_use", "Connections this process uses.", {(): places.in_use})
    yield _gauge("database_requests_waiting", "Who waits for a connection of this process.", {(): places.waiting})
    if figures.buildings_indexed is not None:
        yield _gauge("buildings_indexed", "Footprints in the index of all.", {(): figures.buildings_indexed})
    if figures.waiting is not None:
        yield _gauge("queue_length", "Messages that no worker has taken.", _by_one(figures.waiting), "queue")
    if figures.stored is not None:
        yield from _stored(figures.stored)


def _stored(stored: StoredFigures) -> Iterator[Metric]:
    yield _gauge("jobs", "Jobs in the table, the ended ones included.", stored.jobs, "kind", "state")
    age_s, text = stored.oldest_queued_age_s, "Time since the oldest job that waits for a worker was asked for."
    yield _gauge("oldest_queued_job_age_seconds", text, {(): age_s})
    yield _gauge("outbox_unsent", "Messages not handed to the broker yet.", {(): stored.unsent_messages})
    yield _gauge("exports", "Exports in the table.", _by_one(stored.exports), "state")
    yield _gauge("workers", "Workers seen lately that take a queue.", _by_one(stored.workers), "queue")


def _by_one(values: Mapping[str, float]) -> dict[tuple[str, ...], float]:
    return {(key,): value for key, value in values.items()}


def _gauge(name: str, text: str, values: Mapping[tuple[str, ...], float], *labels: str) -> Metric:
    family = GaugeMetricFamily(f"footprints_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
