"""The change feed, on both databases: what is noted, and that ids come in the order of the commits."""

import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import select, text

from auth.principals import SYSTEM
from models.footprint import BuildingFootprint
from models.footprint_change import ChangeKind, FootprintChange
from models.footprint_writes import insert_footprints, new_change_key
from models.job_states import JobState
from models.queries import footprint_feed as feed
from tests.support.footprints import frame_of, part_of, squares
from tests.support.jobs import submit
from webapp.services import leases
from webapp.services.maintenance import cleanup_old_jobs


def changes(resources, owner_id, position=0):
    with resources.database.read(SYSTEM) as session:
        return [(c.id, c.kind, c.job_id, c.change_key) for c in feed.changes_after(session, owner_id, position, 1000)]


def claimed(resources, principal):
    return leases.claim(resources, submit(resources, principal).id, "w")


def test_each_saved_part_is_one_change_that_names_its_footprints(resources, alice):
    claim = claimed(resources, alice)
    for index in (0, 1, 1):
        leases.save_part(resources, claim, part_of(index, 2))
    found = changes(resources, alice.user_id)
    assert [(kind, job_id) for _, kind, job_id, _ in found] == [(ChangeKind.STORED, claim.job_id)] * 2
    keys = [key for *_, key in found]
    assert len(set(keys)) == 2
    with resources.database.read(SYSTEM) as session:
        assert len(feed.stored_by(session, keys[:1])) == 4
        assert len(feed.stored_by(session, keys)) == 8
    assert changes(resources, alice.user_id, found[0][0]) == found[1:]


def test_a_removed_job_is_a_change_of_its_owner(make_resources, alice, bob):
    resources = make_resources(job_retention_days=1)
    claim = claimed(resources, alice)
    leases.save_part(resources, claim, part_of(0, 1))
    leases.finish(resources, claim, JobState.SUCCEEDED)
    with resources.database.write(SYSTEM) as session:
        session.execute(text("UPDATE processing_jobs SET finished_at = finished_at - 40 * 86400.0"))
    assert cleanup_old_jobs(resources).jobs == 1
    assert [(kind, key) for _, kind, _, key in changes(resources, alice.user_id)][1:] == [(ChangeKind.REMOVED, None)]
    assert changes(resources, bob.user_id) == []


def test_whoever_has_seen_a_change_has_seen_all_before_it(resources, alice):
    """Writers commit in any order; a reader that polls must never find a smaller id later."""
    claims = [claimed(resources, alice) for _ in range(4)]
    ended, seen = threading.Event(), []

    def write(claim):
        for index in range(6):
            with resources.database.write(SYSTEM) as session:
                insert_footprints(session, claim.source, frame_of(squares(3, seed=index), prefix=f"{index}-"))

    def poll():
        while True:
            last = ended.is_set()
            seen.extend(entry[0] for entry in changes(resources, alice.user_id, seen[-1] if seen else 0))
            if last:
                return

    with ThreadPoolExecutor(5) as crowd:
        reader = crowd.submit(poll)
        for done in [crowd.submit(write, claim) for claim in claims]:
            done.result()
        ended.set()
        reader.result()
    assert len(seen) == len(set(seen)) == 24
    with resources.database.read(SYSTEM) as session:
        assert sorted(seen) == sorted(session.scalars(select(FootprintChange.id)))
        assert len(session.scalars(select(BuildingFootprint.change_key).distinct()).all()) == 24


def age(resources, below=10**9):
    """Let the changes below an id be from long ago."""
    with resources.database.write(SYSTEM) as session:
        session.execute(text(f"UPDATE footprint_changes SET created_at = created_at - 30 * 86400.0 WHERE id < {below}"))


def ends(resources, owner_id):
    with resources.database.read(SYSTEM) as session:
        return feed.feed_ends(session, owner_id)


def test_old_changes_go_but_the_newest_of_each_owner(resources, alice, bob):
    for person in (alice, alice, bob):
        leases.save_part(resources, claimed(resources, person), part_of(0, 1))
    before = {person.user_id: changes(resources, person.user_id) for person in (alice, bob)}
    age(resources)
    cleanup_old_jobs(resources)
    assert changes(resources, alice.user_id) == before[alice.user_id][1:]
    assert changes(resources, bob.user_id) == before[bob.user_id]
    newest = before[alice.user_id][1][0]
    assert ends(resources, alice.user_id) == feed.FeedEnds(newest, newest)
    assert ends(resources, 999) == feed.FeedEnds()
    with resources.database.read(SYSTEM) as session:
        assert ends(resources, None).newest == feed.newest_change(session)
        assert feed.changed_owners(session, newest) == [bob.user_id]
        assert feed.changed_owners(session, feed.newest_change(session)) == []


def test_the_floor_is_never_below_what_was_dropped(resources, alice, bob):
    """Also for everybody's feed, in which somebody's old change stays while newer ones of others are dropped."""
    for person in (bob, alice, alice, alice):
        leases.save_part(resources, claimed(resources, person), part_of(0, 1))
    his, first, dropped, fresh = (entry[0] for entry in changes(resources, None))
    age(resources, below=fresh)
    assert ends(resources, None) == feed.FeedEnds(dropped, fresh)
    cleanup_old_jobs(resources)
    assert [entry[0] for entry in changes(resources, None)] == [his, dropped, fresh]
    assert ends(resources, None) == ends(resources, alice.user_id) == feed.FeedEnds(dropped, fresh)
    assert ends(resources, bob.user_id) == feed.FeedEnds(his, his)
    assert first < dropped


def test_change_keys_rise():
    keys = [new_change_key() for _ in range(2000)]
    assert [key >> 20 for key in keys] == sorted(key >> 20 for key in keys)
    assert max(keys) < 2**63
