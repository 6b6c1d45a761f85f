import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from processing.window_set import WindowSet

pairs = st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), max_size=40)


@given(pairs, pairs, st.integers(0, 10))
def test_behaves_like_a_set(members, asked, split):
    chunks = [np.array(members[:split], np.int64).reshape(-1, 2), np.array(members[split:], np.int64).reshape(-1, 2)]
    windows, expected = WindowSet(chunks), set(members)
    for window in [*asked, *members]:
        assert windows.holds(window) == (window in expected)
    windows.remove(members[::2])
    expected -= set(members[::2])
    for window in [*asked, *members]:
        assert windows.holds(window) == (window in expected)
