"""The installation's figures, and those of this process, in the text format that Prometheus reads."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from webapp.connection_places import PlacesUsed
from webapp.services.health import Health
from webapp.services.installation_figures import InstallationFigures, StoredFigures
from webapp.version import product_version

MEDIA_TYPE = CONTENT_TYPE_PLAIN_0_0_4
type Values = Mapping[tuple[str, ...], float]


def metrics_text(process: CollectorRegistry, metrics: list[Metric]) -> bytes:
    """Return all figures as text; what has no value now is left out."""
    whole = CollectorRegistry(auto_describe=False)
    whole.register(_Gathered(process, metrics))  # type: ignore[arg-type]
    return generate_latest(whole)


class _Gathered:
    """What one answer holds."""

    def __init__(self, process: CollectorRegistry, metrics: list[Metric]) -> None:
        self._process = process
        self._metrics = metrics

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self._process.collect()
        yield from self._metrics


def metrics_of(health: Health, figures: InstallationFigures, places: PlacesUsed) -> list[Metric]:
    """Return the installation's figures and this process's view of its parts."""
    build = InfoMetricFamily("footprints_build", "Version of the product.", value={"version": product_version()})
    parts = {(name,): float(check.ok) for name, check in health.checks.items()}
    return [
        build,
        _gauge("part_up", "Whether this process reaches a part that it needs.", parts, "part"),
        _gauge("free_disk_bytes", "Room on the disk of DATA_DIR.", {(): figures.free_disk_bytes}),
        _gauge("database_connections", "Connections this process may have.", {(): places.number}),
        _gauge("database_connections_in_use", "Connections this process uses.", {(): places.in_use}),
        _gauge("database_requests_waiting", "Who waits for a connection of this process.", {(): places.waiting}),
        *_stored(figures.stored),
        *_where_known("queue_length", "Messages that no worker has taken.", figures.waiting, "queue"),
        *_where_known(
            "buildings_indexed",
            "Footprints in the index of all.",
            None if figures.buildings_indexed is None else {"": figures.buildings_indexed},
        ),
    ]


def _stored(stored: StoredFigures | None) -> Iterator[Metric]:
    if stored is None:
        return
    yield _gauge("jobs", "Jobs in the table, the ended ones included.", stored.jobs, "kind", "state")
    yield _gauge(
        "oldest_queued_job_age_seconds",
        "Time since the oldest job was asked for that waits for a worker; 0: none waits.",
        {(): stored.oldest_queued_age_s},
    )
    yield _gauge("outbox_unsent", "Messages not handed to the broker yet.", {(): stored.unsent_messages})
    yield from _where_known("exports", "Exports in the table.", stored.exports, "state")
    yield from _where_known("workers", "Workers seen lately that take a queue.", stored.workers, "queue")


def _where_known(name: str, text: str, values: Mapping[str, int] | None, *label: str) -> Iterator[Metric]:
    if values is not None:
        yield _gauge(name, text, {(key,) if label else (): value for key, value in values.items()}, *label)


def _gauge(name: str, text: str, values: Values, *labels: str) -> Metric:
    family = GaugeMetricFamily(f"footprints_{name}", text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
