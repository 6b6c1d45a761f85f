import threading
import time

import pytest

from processing.read_ahead import read_ahead


def test_items_come_in_order_from_one_thread_of_their_own():
    def made():
        for number in range(20):
            yield number, threading.get_ident()

    items = list(read_ahead(made()))
    assert [number for number, _ in items] == list(range(20))
    assert len({thread for _, thread in items}) == 1
    assert items[0][1] != threading.get_ident()


def test_exactly_one_item_is_made_ahead():
    made = []

    def making():
        for number in range(6):
            made.append(number)
            yield number

    for number in read_ahead(making()):
        deadline = time.monotonic() + 5
        while len(made) < min(number + 2, 6) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.01)
        assert len(made) == min(number + 2, 6)


def test_an_error_comes_out_where_its_item_would_have():
    def failing():
        yield 1
        raise OSError("unreadable")

    items = read_ahead(failing())
    assert next(items) == 1
    with pytest.raises(OSError, match="unreadable"):
        next(items)


def test_stopping_early_closes_the_generator_in_its_thread():
    threads = []

    def endless():
        try:
            while True:
                yield threading.get_ident()
        finally:
            threads.append(threading.get_ident())

    items = read_ahead(endless())
    first = next(items)
    items.close()
    assert threads == [first]
