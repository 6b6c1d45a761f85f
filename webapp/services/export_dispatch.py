"""From the table of exports to the broker, and back on the feet. The broker may lose everything at any time."""

import structlog

from auth.principals import SYSTEM
from models.base import now_s
from models.export import Export, ExportState
from models.queries import exports as queries
from webapp.errors import BrokerUnavailable
from webapp.logs import lines_about
from webapp.queue import EXPORT_QUEUE, EXPORT_TASK
from webapp.resources import Resources
from webapp.services.export_leases import requeued_values
from webapp.services.export_states import ended_values

BATCH = 100
LOST = "The worker stopped without a word at every attempt; the export may need more memory or disk than there is."
log = structlog.get_logger(__name__)


def publish_exports(resources: Resources) -> int:
    """Send what waits; return how many were sent. Sent twice is harmless: the claim drops the second."""
    with resources.database.read(SYSTEM) as session:
        waiting = queries.unpublished(session, BATCH)
    sent: list[str] = []
    try:
        for export_id in waiting:
            resources.queue.publish(EXPORT_TASK, export_id)
            sent.append(export_id)
            with lines_about(request_id=waiting[export_id], export_id=export_id):
                log.info("export_sent")
    except BrokerUnavailable as error:
        log.warning("broker_unavailable", detail=error.parameters["detail"], waiting=len(waiting) - len(sent))
    if sent:
        with resources.database.write(SYSTEM) as session:
            queries.move_exports(session, {"published_at": now_s()}, Export.id.in_(sent))
    return len(sent)


def reconcile_exports(resources: Resources) -> int:
    """End or requeue exports whose worker is gone, and send again what the broker lost; return how many."""
    used_up = Export.attempt >= Export.max_attempts
    failed = ended_values(resources, ExportState.FAILED) | {"error_code": "WorkerLost", "error_message": LOST}
    with resources.database.write(SYSTEM) as session:
        ended = queries.move_exports(session, failed, queries.lease_expired(), used_up)
        ended += queries.move_exports(session, failed, Export.state == queries.QUEUED, used_up)
        again = queries.move_exports(session, requeued_values(), queries.lease_expired())
        requests = queries.request_ids(session, ended + again)
    for export_id, request_id in requests.items():
        with lines_about(request_id=request_id, export_id=export_id):
            log.warning("export_put_right", state=str(ExportState.FAILED if export_id in ended else ExportState.QUEUED))
    lost = _send_again(resources)
    if ended or again or lost:
        log.info("exports_reconciled", failed=len(ended), requeued=len(again), sent_again=lost)
    return len(ended) + len(again) + lost


def _send_again(resources: Resources) -> int:
    with resources.database.read(SYSTEM) as session:
        queued = queries.count_published(session)
    try:
        if not queued or resources.queue.waiting(EXPORT_QUEUE) >= queued:
            return 0
    except BrokerUnavailable:
        return 0
    with resources.database.write(SYSTEM) as session:
        return queries.send_again(session, resources.settings.republish_s)
