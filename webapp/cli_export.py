"""`export`: the footprints of a job, or of a region, into a file."""

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auth.principals import Principal, Role
from processing.errors import OutputNotWritable
from processing.exports.formats import FORMATS, key_of_suffix
from webapp.resources import open_resources
from webapp.services.exports import open_export
from webapp.services.footprints import FootprintQuery

OPERATOR = Principal(user_id=0, username="operator", role=Role.ADMIN)
"""Whoever can read the data folder or the database may see all of it."""


def add_export(subparsers: Any) -> None:
    """Add the verb and its options."""
    suffixes = " ".join(known.suffix for known in FORMATS.values())
    parser = subparsers.add_parser("export", help="write the footprints of a job to a file")
    parser.add_argument("--job", metavar="ID", help="the job; without it, --bbox")
    parser.add_argument("-o", "--output", type=Path, required=True, help=f"the suffix picks the format: {suffixes}")
    parser.add_argument("--format", choices=list(FORMATS), help="the format, where the suffix does not tell")
    parser.add_argument("--bbox", type=_bbox, metavar="W,S,E,N", help="only what meets this box, in degrees")
    parser.add_argument("--min-confidence", type=float, metavar="C", help="only what is at least this certain")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder that holds all state (data beside ./run)")
    parser.set_defaults(run=run_export)


def run_export(args: argparse.Namespace) -> int:
    """Do it; return the exit code."""
    format = args.format or key_of_suffix(args.output.name)
    query = FootprintQuery(job_id=args.job, bbox_deg=args.bbox, min_confidence=args.min_confidence)
    resources = open_resources(args.settings)
    try:
        stream = open_export(resources, OPERATOR, query, format)
        size_bytes = _write_whole(args.output, stream.chunks)
    finally:
        resources.close()
    print(f"Wrote {args.output} ({size_bytes / 1e6:.1f} MB).")
    return 0


def _write_whole(path: Path, chunks: Iterator[bytes]) -> int:
    """Write a file that appears whole or not at all; return its size in bytes."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
            size_bytes = file.tell()
        os.replace(partial, path)
    except OSError as error:
        raise OutputNotWritable(name=str(path), detail=error.strerror or str(error)) from error
    finally:
        partial.unlink(missing_ok=True)
    return size_bytes


def _bbox(text: str) -> tuple[float, float, float, float]:
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError("give four numbers with commas: west,south,east,north") from error
    return west, south, east, north
