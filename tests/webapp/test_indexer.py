"""The indexer's turns, and the process itself."""

import threading

from tests.support.footprints import part_of
from tests.support.jobs import submit
from tests.support.people import make_person
from tests.support.processes import INDEXER, environment, running, wait_until
from webapp.indexer import Indexer, run_indexer
from webapp.services import leases
from webapp.services.footprint_index import snapshot_for
from webapp.services.index_feeding import is_built


def save(resources, principal, part=0):
    claim = leases.claim(resources, submit(resources, principal).id, "w")
    leases.save_part(resources, claim, part_of(part, 1))


def test_everybody_has_an_index_before_there_is_anything_in_it(resources, alice, administrator):
    indexer = Indexer(resources)
    indexer.turn()
    assert snapshot_for(resources, alice).position > 0
    assert not is_built(resources, administrator.user_id)
    bob = make_person(resources, "late bob")
    indexer.turn()
    assert is_built(resources, bob.user_id)
    save(resources, bob)
    indexer.turn()
    assert [len(snapshot_for(resources, person)) for person in (alice, bob, administrator)] == [0, 4, 4]


def test_what_an_administrator_finds_is_in_the_index_of_all(resources, alice, administrator):
    indexer = Indexer(resources)
    indexer.turn()
    save(resources, administrator)
    indexer.turn()
    assert [len(snapshot_for(resources, person)) for person in (alice, administrator)] == [0, 4]
    assert not is_built(resources, administrator.user_id)


def test_small_pieces_are_merged_while_nothing_changes_and_then_left_alone(resources, alice, monkeypatch):
    indexer = Indexer(resources)
    indexer.turn()
    claim = leases.claim(resources, submit(resources, alice).id, "w")
    for part in range(5):
        leases.save_part(resources, claim, part_of(part, 6))
        indexer.turn()
    pieces = len(snapshot_for(resources, alice).segments)
    for _ in range(6):
        indexer.turn()
    assert len(snapshot_for(resources, alice).segments) < pieces
    assert not indexer.untidy
    looked = []
    monkeypatch.setattr("webapp.indexer.tidy_index", lambda *asked: looked.append(asked))
    indexer.turn()
    assert not looked


def test_a_failure_is_tried_again(resources, alice, monkeypatch):
    ended, failures = threading.Event(), []

    def fail(self):
        failures.append(1)
        if len(failures) == 2:
            ended.set()
        raise RuntimeError("a disk that is away for a moment")

    monkeypatch.setattr(Indexer, "turn", fail)
    monkeypatch.setattr("webapp.indexer.PAUSE_AFTER_TROUBLE_S", 0.01)
    run_indexer(resources, ended)
    assert len(failures) == 2


def test_the_process_shows_what_is_stored_and_ends_when_asked(resources, alice, tmp_path):
    with running(INDEXER, environment(resources.settings), tmp_path / "indexer.log") as process:
        wait_until(lambda: is_built(resources, alice.user_id), 120, "an index")
        save(resources, alice)
        wait_until(lambda: len(snapshot_for(resources, alice)) == 4, 20, "the footprints")
        process.terminate()
        assert process.wait(15) == 0
