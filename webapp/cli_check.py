"""`check`: tell what of a file of footprints could be used, what would be mended, and what not, and why."""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from processing.ingest.file_check import check_in_child
from processing.ingest.options import ColumnChoice, IngestOptions
from processing.ingest.report import Finding, IngestReport


def add_check(subparsers: Any) -> None:
    """Add the verb and its options."""
    parser = subparsers.add_parser("check", help="check a file of footprints: what could be used, and what not")
    parser.add_argument("file", type=Path, metavar="FILE", help="GeoParquet, GeoJSON, FlatGeobuf, GeoPackage, .zip")
    parser.add_argument("--crs", metavar="CRS", help="for a file that names none, such as EPSG:2272")
    parser.add_argument("--layer", metavar="NAME", help="for a file that holds several")
    parser.add_argument("--confidence", metavar="COLUMN", help="the column that holds the confidence")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run_check)


def run_check(args: argparse.Namespace) -> int:
    """Do it; return the exit code."""
    options = IngestOptions(crs=args.crs, layer=args.layer, columns=ColumnChoice(confidence=args.confidence))
    with tempfile.TemporaryDirectory() as scratch:
        report = check_in_child(args.file, options, scratch=Path(scratch))
    sys.stdout.write((json.dumps(report.to_json(), indent=2) if args.json else in_words(report)) + "\n")
    return 0


def in_words(report: IngestReport) -> str:
    """Return the report in lines for a person."""
    lines = [
        f"{report.name}: {report.format}, {report.crs}, {report.rows_read:,} rows",
        f"{report.kept:,} buildings can be used, {report.area_m2 / 1e6:,.2f} km² in all",
        *_findings("left out", report.refused),
        *_findings("changed", report.changed),
    ]
    return "\n".join(lines)


def _findings(title: str, found: dict[Any, Finding]) -> list[str]:
    lines = []
    for reason, finding in sorted(found.items(), key=lambda entry: -entry[1].count):
        example = finding.examples[0]
        words = str(reason).replace("_", " ")
        lines.append(f"  {title}: {finding.count:,} {words} (row {example.row}: {example.detail})")
    return lines
