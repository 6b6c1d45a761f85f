"""Rings cut to a rectangle, one side after the other, so that what falls apart becomes rings of its own.

Along a cut, the places where rings cross it are sorted; a ring that leaves at one of them comes in again at its
neighbour. (The polygon clipping of I. E. Sutherland and G. W. Hodgman, 1974, would leave double edges along the cut.)
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from processing.footprint_index.compiling import compiled


class Rings(NamedTuple):
    """R rings with P points in all, closed without repeating their first point."""

    points: NDArray[np.float64]
    """(P, 2)"""
    start: NDArray[np.int64]
    """(R + 1,)"""


@compiled
def clipped(rings: Any, low: Any, high: Any) -> Any:
    """Return what of the rings of one polygon lies in the square from low to high; orientations stay."""
    for axis in range(2):
        rings = _cut(rings, axis, low, 1.0)
        rings = _cut(rings, axis, high, -1.0)
    return rings


@compiled
def _cut(rings: Any, axis: Any, limit: Any, sign: Any) -> Any:
    """Keep the side where sign * (coordinate - limit) >= 0."""
    points, start = rings
    count = points.shape[0]
    out = np.empty((2 * count + 2, 2), np.float64)
    out_start = np.zeros(count + start.size + 1, np.int64)  # written element by element: slices take long to compile
    chains = np.empty((2 * count + 2, 2), np.float64)
    chain_start = np.zeros(count + 2, np.int64)
    follows = np.empty(count + 1, np.int64)
    used = kept = at = np.int64(0)
    for ring in range(start.size - 1):
        first, last = start[ring], start[ring + 1]
        entry, inside = _first_entry(points, (first, last), (axis, limit, sign))
        if entry < 0:
            if inside:
                used = _copied(points, (first, last), out, used)
                kept += 1
                out_start[kept] = used
            continue
        ring_chain = at
        at = _add_chains((points, first, last, entry), (axis, limit, sign), chains, chain_start, at)
        for chain in range(ring_chain, at):  # as long as nothing better is known: the next chain of the same ring
            follows[chain] = chain + 1 if chain + 1 < at else ring_chain
    if at > 0:
        _pair(chains, chain_start, at, 1 - axis, follows)
        used, kept = _link((chains, chain_start, at, follows), (out, out_start), used, kept)
    return Rings(out[:used], out_start[: kept + 1])


@compiled
def _copied(points: Any, span: Any, out: Any, used: Any) -> Any:
    for at in range(span[0], span[1]):
        out[used, 0], out[used, 1] = points[at, 0], points[at, 1]
        used += 1
    return used


@compiled
def _first_entry(points: Any, span: Any, side: Any) -> Any:
    """Return the first point that is outside while the next is inside, or -1; and whether the last is inside."""
    axis, limit, sign = side
    first, last = span
    before = sign * (points[last - 1, axis] - limit) >= 0
    inside = before
    for at in range(first, last):
        now = sign * (points[at, axis] - limit) >= 0
        if now and not before:
            return (at - 1 if at > first else last - 1), inside
        before = now
    return -1, inside


@compiled
def _add_chains(ring: Any, side: Any, chains: Any, chain_start: Any, at: Any) -> Any:
    """Add the pieces of a ring that are inside, each from where it comes in to where it goes out."""
    points, first, last, entry = ring
    axis, limit, sign = side
    used = chain_start[at]
    before, was_inside = entry, False
    for step in range(last - first):
        now = first + (entry + 1 - first + step) % (last - first)
        is_inside = sign * (points[now, axis] - limit) >= 0
        if is_inside != was_inside:
            share = (limit - points[before, axis]) / (points[now, axis] - points[before, axis])
            other = points[before, 1 - axis]
            chains[used, axis] = limit
            chains[used, 1 - axis] = other + share * (points[now, 1 - axis] - other)
            used += 1
            if was_inside:
                at += 1
                chain_start[at] = used
        if is_inside:
            used = _copied(points, (now, now + 1), chains, used)
        before, was_inside = now, is_inside
    return at


@compiled
def _pair(chains: Any, chain_start: Any, count: Any, along: Any, follows: Any) -> None:
    """Let each chain go on with the one that comes in beside its way out. Leaves broken shapes as they are."""
    crossings = 2 * count
    where = np.empty(crossings)
    for chain in range(count):
        where[2 * chain] = chains[chain_start[chain], along]
        where[2 * chain + 1] = chains[chain_start[chain + 1] - 1, along]
    order = _sorted(where)
    for at in range(0, crossings, 2):
        if order[at] % 2 == order[at + 1] % 2:  # both in or both out: right only where others lie at the same place
            for other in range(at + 2, crossings):
                if where[order[other]] != where[order[at + 1]]:
                    break
                if order[other] % 2 != order[at] % 2:
                    order[at + 1], order[other] = order[other], order[at + 1]
                    break
            if order[at] % 2 == order[at + 1] % 2:
                return
    for at in range(0, crossings, 2):
        one, other = order[at], order[at + 1]
        going_out, coming_in = (one, other) if one % 2 == 1 else (other, one)
        follows[going_out // 2] = coming_in // 2


@compiled
def _sorted(where: Any) -> Any:
    """Return the order of a few numbers."""
    order = np.arange(where.size)
    for at in range(1, where.size):
        own, to = order[at], at
        while to > 0 and where[order[to - 1]] > where[own]:
            order[to] = order[to - 1]
            to -= 1
        order[to] = own
    return order


@compiled
def _link(pieces: Any, to: Any, used: Any, kept: Any) -> Any:
    """Write the rings that the chains make up."""
    chains, chain_start, count, follows = pieces
    out, out_start = to
    done = np.zeros(count, np.bool_)
    for first in range(count):
        if done[first]:
            continue
        chain = first
        while not done[chain]:
            done[chain] = True
            used = _copied(chains, (chain_start[chain], chain_start[chain + 1]), out, used)
            chain = follows[chain]
        kept += 1
        out_start[kept] = used
    return used, kept
