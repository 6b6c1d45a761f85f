"""No cache answers one person with what is another's, or with what is no longer so (`./run bench caches`: 10,000)."""

from tests.support.cached_answers import Interleaving
from tests.support.own_loop import run_alone

STEPS = 200


def test_what_is_remembered_is_what_a_fresh_look_says(resources):
    tally = run_alone(Interleaving(resources, seed=5).live(STEPS))
    assert tally.wrong == []
    assert tally.compared > 0.8 * STEPS
    assert tally.not_modified > 3
    assert len(tally.changes) > 4
