"""`./run bench soak`: a whole installation under mixed load for half an hour, with a fault every minute.

Three people look at lists, figures and tiles, one works through whole jobs (send, extract, count, export, compare,
delete), one signs in and out and opens pages. Every minute a process is killed with -9: the worker, its child, the
exporter, the dispatcher, the indexer or the broker; at the third minute the web server, which lives on from then, so
that its growth can be told; on PostGIS the database crashes and freezes as well.
`--minutes N`, `--database sqlite|postgis`.
The exit code is 1 where an answer was an error other than `busy`, a job did not succeed or not with the footprints that
it has without faults, a figure of the export differs, an answer took more than 10 seconds, or a process was not back.
"""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import rasterio
from rasterio.warp import transform_bounds
from rasterio.windows import Window

from auth.principals import Role
from benchmarks.counts import Counted, publish_counts
from benchmarks.report import OURS, Row, publish, row_of
from benchmarks.soak_users import HANG_S, Ledger, Program, come_and_go, look_around, started, work_through_jobs
from benchmarks.soak_watch import SoakWatch, soaked
from benchmarks.web_processes import ROOT, running_process
from tests.support.postgres import PostgresServer, running_server
from tests.support.rasters import grid_of_rectangles, write_scene
from webapp.resources import Resources, open_resources
from webapp.services.users import NewUser, create_user
from webapp.settings import Settings, load_settings

MINUTES, QUICK_MINUTES = 30.0, 4.0
KILL_EVERY_S = 60.0
BACK_S = 45.0
START_S = 180.0
FROZEN_S = 8.0
LOOKERS, A_SECOND = 3, 2.0
VISIT_EVERY_S = 15.0
NAME, PASSWORD = "soaked", "a long password for one run"
REAL_SCENE = ROOT.parent / "shared" / "data" / "scenes" / "zanzibar.tif"
SCENE_PX = 640
KILLED = ("worker child", "dispatcher", "web", "indexer", "exporter", "broker", "worker", "exporter child")


@dataclass(frozen=True)
class Installed:
    """A running `./run serve`, and a way to its data."""

    url: str
    supervisor: int
    resources: Resources
    log: Path


def main(arguments: Sequence[str] = ()) -> int:
    """Run it; return 1 where a promise was broken."""
    options = read_options(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        postgres, address = None, ""
        if options.database == "postgis":
            postgres = stack.enter_context(running_server())
            address = stack.enter_context(postgres.fresh_database(postgres.make_template()))
        scene, box = made_scene(folder)
        site = stack.enter_context(installed(folder, address))
        watch = stack.enter_context(soaked(site.supervisor))
        ledger = Ledger()
        tasks = people(site, ledger, scene, box, time.monotonic() + options.minutes * 60)
        late = kill_by_the_minute(watch, tasks, faults_of(postgres))
        for task in tasks:
            task.join()
        watch.look()
    case = f"{options.database}, {options.minutes:g} minutes"
    told = list(told_of(case, watch, ledger))
    for line in ledger.wrong[:20]:
        print(f"wrong: {line}")
    publish("soak", told, options.json)
    return publish_counts("soak", promises_of(case, ledger, late, options.minutes), None)


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    """Return minutes, database, quick and json."""
    parser = argparse.ArgumentParser(prog="run bench soak")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_MINUTES:g} minutes")
    parser.add_argument("--minutes", type=float, help=f"how long ({MINUTES:g})")
    parser.add_argument("--database", choices=("sqlite", "postgis"), default="sqlite")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows here")
    options = parser.parse_args(arguments)
    options.minutes = options.minutes or (QUICK_MINUTES if options.quick else MINUTES)
    return options


def made_scene(folder: Path) -> tuple[Path, tuple[float, float, float, float]]:
    """Write a small scene, cut from a real one where that is there; return it and its box in degrees."""
    path = folder / "soak.tif"
    if REAL_SCENE.is_file():
        with rasterio.open(REAL_SCENE) as source:
            window = Window((source.width - SCENE_PX) // 2, (source.height - SCENE_PX) // 2, SCENE_PX, SCENE_PX)
            profile = source.profile | {"width": SCENE_PX, "height": SCENE_PX, "driver": "GTiff"}
            profile["transform"] = source.window_transform(window)
            with rasterio.open(path, "w", **profile) as cut:
                cut.write(source.read(window=window))
    else:
        write_scene(path, (SCENE_PX, SCENE_PX), grid_of_rectangles((SCENE_PX, SCENE_PX)))
    with rasterio.open(path) as made:
        return path, transform_bounds(made.crs, "EPSG:4326", *made.bounds)


@contextmanager
def installed(folder: Path, database_url: str) -> Iterator[Installed]:
    """Run the whole installation as `./run serve` does."""
    data, ready, log = folder / "data", folder / "ready", folder / "serve.log"
    env = {name: value for name, value in os.environ.items() if name.lower() not in Settings.model_fields}
    mine = {"DATABASE_URL": database_url} if database_url else {}
    env |= mine | {"PYTHONPATH": str(ROOT), "TIER_OF_USER": "enterprise", "ACCESS_TOKEN_MINUTES": "600"}
    command = [sys.executable, "-m", "webapp.cli", "serve", "--port", "0"]
    with running_process([*command, "--data", str(data), "--ready-file", str(ready)], ROOT, env, log) as pid:
        until = time.monotonic() + START_S
        while not ready.exists():
            if time.monotonic() > until:
                raise RuntimeError(f"the installation does not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.2)
        values = {name.lower(): value for name, value in mine.items()}
        resources = open_resources(load_settings(_env_file=None, data_dir=data, **values))
        try:
            yield Installed(ready.read_text().strip(), pid, resources, log)
        finally:
            resources.close()


def people(
    site: Installed, ledger: Ledger, scene: Path, box: tuple[float, float, float, float], ends_at: float
) -> list[threading.Thread]:
    """Let everybody begin."""
    create_user(site.resources, NewUser(NAME, PASSWORD, role=Role.USER))
    headers = tokens_of(site)
    programs = [Program(site.url, headers, ledger, ends_at) for _ in range(LOOKERS + 1)]
    visitor = Program(site.url, {}, ledger, ends_at)
    lookers = [
        threading.Thread(target=look_around, args=(one, seed, box, A_SECOND)) for seed, one in enumerate(programs[1:])
    ]
    return started(
        *lookers,
        threading.Thread(target=work_through_jobs, args=(programs[0], scene)),
        threading.Thread(target=come_and_go, args=(visitor, NAME, PASSWORD, VISIT_EVERY_S)),
    )


def tokens_of(site: Installed) -> dict[str, str]:
    """Sign the person in as a program, and let a first request through."""
    opened = httpx.post(f"{site.url}/api/v1/auth/login", json={"username": NAME, "password": PASSWORD}, timeout=30)
    opened.raise_for_status()
    return {"Authorization": f"Bearer {opened.json()['access_token']}"}


def faults_of(postgres: PostgresServer | None) -> list[tuple[str, Callable[[], None]]]:
    """Return what else goes wrong in turn."""
    if postgres is None:
        return []
    return [("database crashed", postgres.restart_at_once), ("database frozen", partial(freeze, postgres))]


def freeze(postgres: PostgresServer) -> None:
    """Let the database hang for a while."""
    postgres.freeze()
    time.sleep(FROZEN_S)
    postgres.thaw()


def kill_by_the_minute(
    watch: SoakWatch, tasks: Sequence[threading.Thread], faults: Sequence[tuple[str, Callable[[], None]]]
) -> list[str]:
    """Kill one process after the other until everybody has gone; return which were not back in time."""
    turn, late, kills = [*KILLED, *(name for name, _ in faults)], list[str](), 0
    while any(task.is_alive() for task in tasks):
        if not wait_while(tasks, KILL_EVERY_S):
            break
        name = turn[kills % len(turn)]
        kills += 1
        if name == "web":
            turn.remove(name)  # once: what lives on is looked at for growth
        late += one_fault(watch, name, dict(faults))
    print(f"{kills} faults")
    return late


def one_fault(watch: SoakWatch, name: str, faults: dict[str, Callable[[], None]]) -> list[str]:
    """Kill a process, or let something else go wrong; return its name where it was not back in time."""
    print(f"{time.strftime('%H:%M:%S')} {name}", flush=True)
    if name in faults:
        faults[name]()
        return []
    pid = watch.pids().get(name)
    if pid is None:
        return [f"{name} (was not there)"]
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + BACK_S
    while time.monotonic() < until:
        if watch.pids().get(name) not in (None, pid):
            return []
        time.sleep(0.2)
    return [name]


def wait_while(tasks: Sequence[threading.Thread], seconds: float) -> bool:
    """Wait; return False at once where everybody has gone."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not any(task.is_alive() for task in tasks):
            return False
        time.sleep(0.5)
    return True


def told_of(case: str, watch: SoakWatch, ledger: Ledger) -> Iterator[Row]:
    """Yield what was measured: growth, memory, files and threads of each process, and the answers."""
    for life in watch.longest_lives():
        subject = f"{case}, {life.name}"
        slope, error = life.growth()
        yield row_of(OURS, subject, "watched", "min", [life.lasted_s / 60])
        yield row_of(OURS, subject, "growth", "MB/h", [slope])
        yield row_of(OURS, subject, "growth, standard error", "MB/h", [error])
        yield row_of(OURS, subject, "memory", "MB", [row[1] / 1e6 for row in life.rows])
        yield row_of(OURS, subject, "open files", "", [row[2] for row in life.rows])
        yield row_of(OURS, subject, "threads", "", [row[3] for row in life.rows])
    for (kind, status), number in sorted(ledger.statuses.items()):
        yield row_of(OURS, case, f"{kind}: {status}", "", [number])
    for kind, longest_s in sorted(ledger.longest_s.items()):
        yield row_of(OURS, case, f"{kind}: longest", "s", [longest_s])


def promises_of(case: str, ledger: Ledger, late: Sequence[str], minutes: float) -> list[Counted]:
    """Return what was counted beside what it has to be."""
    expected = ledger.jobs[0][1] if ledger.jobs else 0
    good = sum(job == ("succeeded", expected) for job in ledger.jobs)
    hangs = sum(longest_s > HANG_S for longest_s in ledger.longest_s.values())
    seconds = minutes * 60
    for name in late:
        print(f"not back: {name}")
    return [
        Counted(case, f"jobs with the {expected} footprints of the first", good, len(ledger.jobs), seconds),
        Counted(case, "answers that must not be", len(ledger.wrong), 0, seconds),
        Counted(case, f"kinds of request that took more than {HANG_S:g} s", hangs, 0, seconds),
        Counted(case, f"processes not back within {BACK_S:g} s", len(late), 0, seconds),
    ]


if __name__ == "__main__":
    raise SystemExit(main())
