"""`./run bench schema`: generated calls of every operation, as every kind of person, on both databases.

Schemathesis makes calls from the OpenAPI document that the server serves, right ones and wrong ones, and checks each
answer against it. The exit code is 1 where an answer was a server error or broke the document.
"""

import argparse
import logging
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from auth.principals import Role
from benchmarks.counts import Counted, publish_counts
from tests.contract.calls import Plan, Tally, make_calls
from tests.contract.serving import document_of, installation, served
from tests.support.postgres import running_server, why_unavailable
from webapp.database import migrate
from webapp.settings import load_settings

NOBODY = "anonymous"
ROLES: dict[str, Role | None] = {NOBODY: None} | {str(role): role for role in Role}
DATABASES = ("sqlite", "postgis")
EXAMPLES, QUICK_EXAMPLES = 30, 3
SHOWN = 20


def main(arguments: Sequence[str] = ()) -> int:
    """Call everything; return 1 where anything was wrong."""
    options = _options(arguments)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    plan = Plan(QUICK_EXAMPLES, ("examples", "fuzzing")) if options.quick else Plan(options.examples)
    found = []
    for database in options.database or DATABASES:
        reason = why_unavailable() if database == "postgis" else None
        if reason:
            print(f"left out: {reason}")
            continue
        for role in options.role or ROLES:
            found += _counted(database, role, plan)
    return publish_counts("schema", found, options.json)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run bench schema")
    parser.add_argument("--quick", action="store_true", help="few examples, and fewer ways to make them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="so many random calls of each operation")
    parser.add_argument("--role", action="append", choices=ROLES, help="this one alone; may be given again")
    parser.add_argument("--database", action="append", choices=DATABASES, help="this one alone")
    return parser.parse_args(arguments)


def _counted(database: str, role: str, plan: Plan) -> list[Counted]:
    with tempfile.TemporaryDirectory() as name, _migrated(database, Path(name)) as url:
        began_at, processor_s = time.monotonic(), _processor_s()
        with installation(url, Path(name)) as world, served(world.resources) as address:
            document = document_of(address, world)
            tally = make_calls(address, document, world, ROLES[role], plan)
        wall_s = time.monotonic() - began_at
    _show(database, role, tally, _processor_s() - processor_s)
    case = f"{database}, {role}: {tally.calls:,} calls"
    wrong = {
        "server errors": tally.server_errors,
        "schema breaks": len(tally.breaks),
        "operations not tried": len(tally.errors) + tally.operations_left_out(document),
    }
    return [Counted(case, metric, count, 0, wall_s) for metric, count in wrong.items()]


@contextmanager
def _migrated(database: str, folder: Path) -> Iterator[str]:
    if database == "sqlite":
        url = f"sqlite:///{folder / 'app.db'}"
        migrate(load_settings(data_dir=folder, database_url=url).database_address)
        yield url
        return
    with running_server() as server, server.fresh_database(server.make_template()) as url:
        migrate(load_settings(data_dir=folder, database_url=url).database_address)
        yield url


def _show(database: str, role: str, tally: Tally, processor_s: float) -> None:
    never = sorted(set(tally.statuses) - set(tally.succeeded))
    print(f"{database}, {role}: {tally.calls:,} calls, {tally.checks:,} checks, {processor_s:.0f} s of processor time")
    print(f"  success at least once: {len(tally.succeeded)} of {len(tally.statuses)} operations")
    for name in never:
        print(f"    never: {name} {dict(sorted(tally.statuses[name].items()))}")
    for reason, number in tally.excused.items():
        print(f"  {number} answers excused: {reason}")
    for text in [*tally.errors, *tally.breaks][:SHOWN]:
        print(f"  WRONG: {text}")


def _processor_s() -> float:
    """Return the processor time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
