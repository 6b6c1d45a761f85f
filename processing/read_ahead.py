"""Make the next item in another thread while the current one is in use."""

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

END = object()


def read_ahead[T](items: Generator[T]) -> Generator[T]:
    """Yield the items of a generator; while one is in use the next is being made, and never more than that one.

    The generator runs and is closed in one thread of its own, since open files belong to the thread that uses them.
    What it raises is raised here, in the place of its item. Closing waits until the item being made is done.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as thread:
        try:
            coming = thread.submit(next, items, END)
            while (item := coming.result()) is not END:
                coming = thread.submit(next, items, END)
                yield item  # type: ignore[misc]  # it is not END
        finally:
            thread.submit(items.close).result()
