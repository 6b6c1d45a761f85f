"""`demo`: a real scene, registered and extracted, in an installation that runs or is started for it."""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from auth.principals import Principal
from webapp.cli_serve import add_serve_options, serve
from webapp.demo_source import demo_scene_name, fetch_demo_scene
from webapp.installation import address_path, is_served
from webapp.resources import Resources, open_resources
from webapp.services import demo, jobs, tiles
from webapp.services.views import JobView, SceneView

POLL_S = 1.0
TELL_S = 5.0


def add_demo(subparsers: Any) -> None:
    """Add the verb and its options."""
    parser = subparsers.add_parser("demo", help="show buildings at once")
    add_serve_options(parser)
    parser.add_argument("--into-running", action="store_true", help="only add to an installation that runs already")
    parser.set_defaults(run=run_demo)


def run_demo(args: argparse.Namespace) -> int:
    """Add the demonstration to the installation that runs on the data folder, or start one and stay with it."""
    settings = args.settings
    if not args.into_running and not is_served(settings.data_dir):
        return serve(settings, then=[sys.executable, "-m", "webapp.cli", "demo", "--into-running"])
    resources = open_resources(settings)
    try:
        principal = demo.first_administrator(resources)
        scene = _scene(resources, principal, settings.demo_scene)
        job = _wait(resources, principal, demo.demo_job(resources, principal, scene).id)
    finally:
        resources.close()
    return _report(job, address_path(settings.data_dir))


def _scene(resources: Resources, principal: Principal, setting: str) -> SceneView:
    name = demo_scene_name(setting)
    known = demo.find_demo_scene(resources, principal, name)
    if known is not None:
        return known
    print(f"Demo: registering the scene {name} …", flush=True)
    with tempfile.TemporaryDirectory(prefix="demo-") as folder:
        path = fetch_demo_scene(setting, Path(folder))
        scene = demo.register_demo_scene(resources, principal, path, name)
    tiles.prepare_scene(resources, principal, scene.id)
    return scene


def _wait(resources: Resources, principal: Principal, job_id: str) -> JobView:
    told_at = 0.0
    while True:
        job = jobs.get_job(resources, principal, job_id)
        if job.is_finished:
            return job
        if time.monotonic() - told_at > TELL_S:
            told_at = time.monotonic()
            progress = f"{job.windows_done} of {job.windows_total} windows" if job.windows_total else job.state
            print(f"Demo: extracting {job.scene_name}: {progress}", flush=True)
        time.sleep(POLL_S)


def _report(job: JobView, address_file: Path) -> int:
    if job.state != "succeeded":
        print(f"Demo: the job ended {job.state}: {job.error_message or 'see its log on the page Jobs'}", flush=True)
        return 1
    address = address_file.read_text().strip() if address_file.is_file() else "the address of the server"
    print(f"Demo: {job.footprint_count:,} buildings in {job.scene_name}. Look at them at {address}", flush=True)
    return 0
