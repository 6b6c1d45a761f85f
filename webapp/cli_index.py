"""`index`: compare the footprint indexes of this machine with the database, or build them anew."""

import argparse
from pathlib import Path
from typing import Any

from webapp.resources import Resources, open_resources
from webapp.services.footprint_index import Audience
from webapp.services.index_feeding import audiences, check_index, feed_index, rebuild_index


def add_index(subparsers: Any) -> None:
    """Add the verb and its options."""
    parser = subparsers.add_parser("index", help="compare the footprint indexes with the database, or build them anew")
    parser.add_argument("--rebuild", action="store_true", help="build them anew first; maps go on meanwhile")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder that holds all state (data beside ./run)")
    parser.set_defaults(run=run_index)


def run_index(args: argparse.Namespace) -> int:
    """Do it; return 0 where all agree, else 1."""
    resources = open_resources(args.settings)
    try:
        agreed = [_look_after(resources, audience, args.rebuild) for audience in audiences(resources)]
    finally:
        resources.close()
    return 0 if all(agreed) else 1


def _look_after(resources: Resources, audience: Audience, rebuild: bool) -> bool:
    if rebuild:
        rebuild_index(resources, audience)
    else:
        feed_index(resources, audience)
    found = check_index(resources, audience)
    whose = "everybody's" if audience is None else f"person {audience}'s"
    words = "agrees with" if found.agrees else "DIFFERS FROM (build it anew with --rebuild)"
    print(f"{whose} index: {found.indexed.count:,} footprints, {words} the database's {found.stored.count:,}")
    return found.agrees
