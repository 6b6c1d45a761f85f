import pytest
from shapely import Polygon

from pages.map.drawing import Drawing, History, Mode, RegionRefused, polygon_of

SQUARE = [(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)]
SNAP_M = 5.0


def drawn(corners):
    drawing = Drawing().start(Mode.POLYGON)
    for corner in corners:
        drawing = drawing.add_vertex(corner, SNAP_M)
    return drawing


def test_click_near_the_first_corner_closes_the_polygon():
    closed = drawn(SQUARE).add_vertex((3.0, 3.0), SNAP_M)
    assert closed.mode is Mode.LOOK
    assert closed.vertices == ()
    assert closed.region.equals(Polygon(SQUARE))


def test_click_near_the_first_corner_is_a_corner_while_there_are_two():
    assert len(drawn([*SQUARE[:2], (3.0, 3.0)]).vertices) == 3


def test_second_click_on_the_same_place_changes_nothing():
    drawing = drawn(SQUARE[:2])
    assert drawing.add_vertex((100.5, 0.5), SNAP_M) is drawing


def test_double_click_finishes_at_the_last_corner_but_elsewhere_is_a_corner():
    assert drawn(SQUARE).double_click((1.0, 99.0), SNAP_M).region is not None
    assert drawn(SQUARE).double_click((50.0, 150.0), SNAP_M).vertices[-1] == (50.0, 150.0)


@pytest.mark.parametrize(
    ("corners", "reason"),
    [
        ([], "at least 3 corners; this one has 0"),
        (SQUARE[:2], "at least 3 corners; this one has 2"),
        ([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]], "edges cross"),
        ([(0.0, 0.0), (50.0, 0.0), (100.0, 0.0)], "on one line"),
    ],
)
def test_what_is_no_region_is_refused_with_its_reason(corners, reason):
    with pytest.raises(RegionRefused, match=reason):
        polygon_of(tuple(corners))


def test_refusal_keeps_the_corners():
    bow_tie = drawn([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]])
    with pytest.raises(RegionRefused):
        bow_tie.finish()
    assert len(bow_tie.vertices) == 4


def test_box_takes_its_corners_in_any_order():
    for first, opposite in (((0, 0), (40, 20)), ((40, 20), (0, 0)), ((40, 0), (0, 20))):
        region = Drawing().start(Mode.BOX).finish_box(first, opposite, 1.0).region
        assert region.bounds == (0, 0, 40, 20)
    with pytest.raises(RegionRefused, match="too small"):
        Drawing().start(Mode.BOX).finish_box((0, 0), (40, 0.2), 1.0)


def test_new_shape_keeps_the_old_region_until_it_is_finished():
    first = drawn(SQUARE).finish()
    begun = first.start(Mode.POLYGON).add_vertex((5.0, 5.0), SNAP_M)
    assert begun.region.equals(first.region)
    assert begun.stop().region.equals(first.region)


def test_history_takes_back_every_step_and_remembers_no_empty_ones():
    history = History()
    assert not history.can_undo
    history.record(history.now)
    assert not history.can_undo
    history.record(history.now.start(Mode.POLYGON))
    for corner in SQUARE:
        history.record(history.now.add_vertex(corner, SNAP_M))
    history.record(history.now.finish())
    history.clear()
    assert history.now == Drawing()
    counts = []
    while history.can_undo:
        history.undo()
        counts.append((history.now.region is not None, len(history.now.vertices)))
    assert counts == [(True, 0), (False, 4), (False, 3), (False, 2), (False, 1), (False, 0), (False, 0)]
    history.undo()
    assert history.now == Drawing()
