import numpy as np
import pytest
from sqlalchemy import text

from auth.principals import SYSTEM
from models.footprint_change import ChangeKind
from models.queries import footprint_feed as feed
from tests.support.footprints import part_of
from tests.support.jobs import submit
from webapp.errors import NotFound, RequestInvalid
from webapp.services import leases
from webapp.services.footprint_index import snapshot_for
from webapp.services.index_feeding import check_index, feed_indexes
from webapp.services.reviews import review


@pytest.fixture
def ids(resources, alice):
    claim = leases.claim(resources, submit(resources, alice).id, "w")
    leases.save_part(resources, claim, part_of(0, 1))
    with resources.database.read(SYSTEM) as session:
        return list(session.scalars(text("SELECT id FROM building_footprints ORDER BY id")))


def states(resources):
    with resources.database.read(SYSTEM) as session:
        query = text("SELECT id, review_state, version FROM building_footprints ORDER BY id")
        return [tuple(row) for row in session.execute(query)]


def test_a_review_is_kept_and_the_index_follows(resources, alice, ids):
    feed_indexes(resources)
    review(resources, alice, ids[1], "rejected")
    review(resources, alice, ids[1], "rejected")
    assert states(resources)[:2] == [(ids[0], "unreviewed", 1), (ids[1], "rejected", 2)]
    with resources.database.read(SYSTEM) as session:
        kinds = [change.kind for change in feed.changes_after(session, alice.user_id, 0, 10)]
    assert kinds == [ChangeKind.STORED] * 2
    assert feed_indexes(resources)
    assert snapshot_for(resources, alice).versions_of(np.array(ids)) == {ids[0]: 1, ids[1]: 2, ids[2]: 1, ids[3]: 1}
    assert check_index(resources, alice.user_id).agrees


def test_only_the_owner_and_administrators_review(resources, bob, administrator, ids):
    with pytest.raises(NotFound):
        review(resources, bob, ids[0], "accepted")
    review(resources, administrator, ids[0], "accepted")
    assert [state for _, state, _ in states(resources)] == ["accepted"] + ["unreviewed"] * 3


def test_what_is_no_state_or_no_building_is_refused(resources, alice, ids):
    with pytest.raises(RequestInvalid, match="review_state"):
        review(resources, alice, ids[0], "maybe")
    with pytest.raises(NotFound):
        review(resources, alice, 10**12, "accepted")
