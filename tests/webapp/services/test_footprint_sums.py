"""What was counted is kept until something changes, for one asker of one open database."""

from auth.principals import SYSTEM
from tests.support.footprints import part_of, squares
from tests.support.jobs import add_scene, submit
from webapp.services import footprint_sums, leases
from webapp.services.footprint_sums import kept, kept_or_counted


class Counter:
    """Counts how often it was asked."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return self.times


def ask(resources, person, question, count):
    with resources.database.read(SYSTEM) as session:
        return kept_or_counted(session, person, question, count)


def remember(resources, person, question):
    with resources.database.read(SYSTEM) as session:
        return kept(session, person, question)


def find_buildings(resources, person):
    """Commit some footprints of a person, which the change feed tells of."""
    job = submit(resources, person, add_scene(resources, person))
    claim = leases.claim(resources, job.id, "w")
    leases.save_part(resources, claim, part_of(0, 1, squares(2)))


def test_counted_once_until_the_askers_own_footprints_change(resources, alice, bob):
    count = Counter()
    assert [ask(resources, alice, "all", count) for _ in range(3)] == [1, 1, 1]
    find_buildings(resources, bob)
    assert ask(resources, alice, "all", count) == 1
    find_buildings(resources, alice)
    assert remember(resources, alice, "all") is None
    assert [ask(resources, alice, "all", count) for _ in range(2)] == [2, 2]


def test_neither_another_asker_nor_another_question_gets_it(resources, alice, bob, administrator):
    count = Counter()
    asked = [(alice, "all"), (bob, "all"), (administrator, "all"), (alice, ("all", 1))]
    assert [ask(resources, person, question, count) for person, question in asked] == [1, 2, 3, 4]
    assert [remember(resources, person, question) for person, question in asked] == [1, 2, 3, 4]
    assert remember(resources, bob, ("all", 1)) is None


def test_another_database_has_sums_of_its_own(make_resources, tmp_path, alice):
    first, second = (make_resources(data_dir=tmp_path / name) for name in ("one", "two"))
    count = Counter()
    assert ask(first, alice, "all", count) == 1
    assert remember(second, alice, "all") is None


def test_what_was_asked_longest_ago_is_forgotten(resources, alice, monkeypatch):
    monkeypatch.setattr(footprint_sums, "MOST_KEPT", 2)
    count = Counter()
    for question in ("a", "b", "a", "c"):
        ask(resources, alice, question, count)
    assert [remember(resources, alice, question) for question in "abc"] == [1, None, 3]
