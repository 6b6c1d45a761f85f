"""Groups that grow while pairs are found."""

from collections.abc import Iterable


class UnionFind[T]:
    """Items joined into groups; the smaller group is moved into the larger one, so that joining stays cheap."""

    def __init__(self) -> None:
        self._group: dict[int, list[T]] = {}

    def add(self, item: T) -> None:
        """Put an item into a group of its own."""
        self._group[id(item)] = [item]

    def join(self, a: T, b: T) -> None:
        """Make one group of the groups of two items."""
        first, second = self._group[id(a)], self._group[id(b)]
        if first is second:
            return
        if len(first) < len(second):
            first, second = second, first
        first.extend(second)
        for item in second:
            self._group[id(item)] = first

    def groups(self) -> Iterable[list[T]]:
        """Return every group once."""
        return list({id(group): group for group in self._group.values()}.values())

    def remove(self, group: list[T]) -> None:
        """Forget a whole group."""
        for item in group:
            del self._group[id(item)]
