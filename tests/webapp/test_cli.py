"""The verbs that need no running installation."""

import io
from collections.abc import Callable
from pathlib import Path

import pyogrio
import pytest

from webapp import cli
from webapp.cli import main
from webapp.resources import open_resources
from webapp.services.users import authenticate
from webapp.settings import load_settings


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a verb on a data folder of its own, away from the developer's `.env`."""
    monkeypatch.setattr(cli, "ROOT", tmp_path)

    def run_verb(*arguments: str) -> int:
        return main([*arguments, "--data", str(tmp_path / "some" / "data")])

    return run_verb


def signs_in(data_dir: Path, username: str, password: str) -> str:
    resources = open_resources(load_settings(data_dir=data_dir))
    try:
        return str(authenticate(resources, username, password).role)
    finally:
        resources.close()


def test_migrate_makes_the_database(run: Callable[..., int], tmp_path: Path) -> None:
    assert run("migrate") == 0
    assert run("migrate") == 0
    assert (tmp_path / "some" / "data" / "app.db").is_file()


def test_create_user_makes_up_a_password_that_works(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    assert run("create-user", "Ada", "--role", "admin") == 0

    printed = capsys.readouterr().out
    assert "'ada'" in printed
    assert signs_in(tmp_path / "some" / "data", "ada", printed.split()[-1]) == "admin"


def test_create_user_reads_a_password(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a long password\n"))

    assert run("create-user", "ada", "--password-stdin") == 0

    assert "a long password" not in capsys.readouterr().out
    assert signs_in(tmp_path / "some" / "data", "ada", "a long password") == "user"


def test_a_name_that_is_taken_is_said_in_one_sentence(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("a long password\n" * 2))
    run("create-user", "ada", "--password-stdin")

    assert run("create-user", "ada", "--password-stdin") == 1

    assert capsys.readouterr().err == "run: There is an account with this name already.\n"


def test_export_of_an_empty_region_is_a_valid_file(run: Callable[..., int], tmp_path: Path) -> None:
    run("migrate")
    output = tmp_path / "out.gpkg"

    assert run("export", "--bbox", "1,2,3,4", "-o", str(output)) == 0

    assert pyogrio.read_info(output)["features"] == 0
    assert [path.name for path in tmp_path.glob(".*partial")] == []


def test_export_that_cannot_be_written_is_said_in_one_sentence(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    run("migrate")

    assert run("export", "--bbox", "1,2,3,4", "-o", "/proc/out.csv") == 1

    assert "run: The output /proc/out.csv cannot be written" in capsys.readouterr().err


def test_export_of_an_unknown_job_is_said_in_one_sentence(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("migrate")

    assert run("export", "--job", "none", "-o", str(tmp_path / "out.csv")) == 1

    assert capsys.readouterr().err == "run: There is no job none.\n"
    assert not (tmp_path / "out.csv").exists()


def test_work_without_a_broker_is_said_in_one_sentence(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("work") == 1

    assert "start ./run on this data folder first" in capsys.readouterr().err


def test_an_unknown_option_is_refused(run: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("migrate", "--fast")

    assert "unknown arguments: --fast" in capsys.readouterr().err


def test_options_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    (tmp_path / ".env").write_text("HOST=127.0.0.3\nPORT=3\nDATA_DIR=from-file\nLOG_LEVEL=ERROR\n")
    monkeypatch.setenv("HOST", "127.0.0.2")
    monkeypatch.setenv("PORT", "2")
    args = cli.build_parser("serve").parse_args(["serve", "--port", "1"])

    settings = cli.settings_of(args)

    assert (settings.host, settings.port, settings.log_level) == ("127.0.0.2", 1, "ERROR")
    assert settings.data_dir == tmp_path / "from-file"


def test_the_data_option_counts_from_where_the_person_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    args = cli.build_parser("serve").parse_args(["serve", "--data", "here"])

    assert cli.settings_of(args).data_dir == tmp_path / "here"


def test_bench_lists_names_and_refuses_unknown_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench"]) == 0
    assert main(["bench", "nothing"]) == 2

    assert "there is no benchmark 'nothing'" in capsys.readouterr().out
