import stat
import subprocess
import sys

import pytest

from tests.support.processes import ROOT
from webapp.errors import SettingInvalid
from webapp.settings import Settings, load_settings


def test_nothing_needs_to_be_set(tmp_path):
    settings = load_settings(data_dir=tmp_path)
    assert settings.database_address == f"sqlite:///{tmp_path}/app.db"
    assert settings.broker_address == ""
    (tmp_path / "broker").mkdir()
    (tmp_path / "broker" / "url").write_text("redis://127.0.0.1:7777/0\n")
    assert settings.broker_address == "redis://127.0.0.1:7777/0"
    assert load_settings(data_dir=tmp_path, redis_url="redis://elsewhere").broker_address == "redis://elsewhere"


def test_the_environment_and_the_file_are_read(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text(
        "PORT=9001\nSESSION_HOURS=2\nTRUSTED_HOSTS=a.example, b.example\nUNKNOWN=1\nLEASE_S=\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")
    monkeypatch.setenv("PORT", "9002")
    settings = load_settings()
    assert (settings.port, settings.session_hours, settings.lease_s) == (9002, 2.0, 30.0)
    assert settings.trusted_hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("postgresql://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgres://u:p@h/db", "postgresql+psycopg://u:p@h/db"),
        ("postgresql+psycopg://h/db", "postgresql+psycopg://h/db"),
        ("sqlite:///x.db", "sqlite:///x.db"),
    ],
)
def test_database_addresses_get_their_driver(given, address):
    assert load_settings(database_url=given).database_address == address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secret_key", "short"),
        ("secret_key", "k" * 31),
        ("port", "70000"),
        ("lease_s", "-1"),
        ("heartbeat_s", "20"),
        ("device", "tpu"),
        ("max_attempts", "0"),
        ("log_level", "loud"),
        ("upload_limit_bytes", "much"),
        ("oidc_issuer", "http://login.example.org"),
        ("oidc_issuer", "file:///etc/passwd"),
        ("oidc_issuer", "https://user@login.example.org"),
        ("oidc_issuer", "https://login.example.org?next=x"),
        ("oidc_issuer", "https://login.example.org"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(monkeypatch, name, value):
    monkeypatch.setenv(name.upper(), value)
    with pytest.raises(SettingInvalid) as caught:
        load_settings()
    assert name.upper() in str(caught.value) or "HEARTBEAT_S" in str(caught.value)
    assert "short" not in str(caught.value)


def test_settings_cannot_be_changed():
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1


def test_secrets_do_not_show(monkeypatch):
    settings = load_settings(secret_key="canary" * 10, admin_password="canary-password")
    assert "canary" not in repr(settings) + str(settings) + settings.model_dump_json()
    assert settings.secret_key_bytes == b"canary" * 10


def test_the_key_is_made_once_for_all_processes_and_kept_from_others(tmp_path):
    code = (
        "import sys; from webapp.settings import load_settings;"
        "print(load_settings(data_dir=sys.argv[1]).secret_key_bytes.hex())"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    processes = [subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(3)]
    keys = {process.communicate()[0] for process in processes}
    assert len(keys) == 1
    assert len(bytes.fromhex(keys.pop().decode())) >= 32
    path = tmp_path / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]
    path.write_text("cut off")
    with pytest.raises(SettingInvalid):
        load_settings(data_dir=tmp_path).secret_key_bytes  # noqa: B018


def test_every_setting_says_what_it_is():
    assert all(field.description for field in Settings.model_fields.values())
