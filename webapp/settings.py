"""Every setting of the product, in one frozen object. Only this module reads the environment.

Each field is an environment variable of the same name in capitals (`data_dir` is `DATA_DIR`), which may also stand
in a file `.env`. `.env.example` lists them all; a test compares the two.
"""

import ipaddress
import os
import re
import secrets
from functools import cached_property
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from auth.principals import Tier
from webapp.errors import SettingInvalid

SECRET_KEY_MIN_BYTES = 32
WORKER_MEMORY_MIN_MB = 512
EXACT_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::\d{1,5})?")
"""As browsers write the header Origin: anything else would never match."""
MB, GB = 1_000_000, 1_000_000_000


class Settings(BaseSettings):
    """What an installation may choose. Units are in the names; the defaults run with nothing set."""

    model_config = SettingsConfigDict(frozen=True, env_file=".env", env_ignore_empty=True, extra="ignore")

    data_dir: Path = Field(Path("data"), description="Folder that holds all state.")
    database_url: str = Field("", description="SQLAlchemy address; empty: SQLite in DATA_DIR/app.db.")
    redis_url: str = Field("", description="Address of Redis or Valkey; empty: the one that ./run starts.")
    storage_url: str = Field("", description="Where scenes lie: empty: DATA_DIR/objects, or s3://bucket/prefix.")
    secret_key: SecretStr = Field(SecretStr(""), description="At least 32 bytes; empty: made once in DATA_DIR.")

    host: str = Field("127.0.0.1", description="Address that the server listens on.")
    port: int = Field(8000, ge=0, le=65535, description="Port that the server listens on.")
    public_url: str = Field("", description="Address that people type, behind a proxy, as https://maps.example.org.")
    trusted_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Host names that are answered, with commas; empty: PUBLIC_URL's and this machine's."
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Addresses of proxies whose X-Forwarded-For is believed, with commas; empty: nobody's."
    )
    allowed_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Networks that are answered, as 10.0.0.0/8, with commas; empty: all."
    )
    admin_networks: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Networks from which Admin, /api/v1/admin and /metrics are answered, with commas; empty: all."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Other sites whose pages may use the API, as https://gis.example.org, with commas; empty: none."
    )
    admin_username: str = Field("admin", description="Name of the first administrator.")
    admin_password: SecretStr = Field(SecretStr(""), description="Empty: generated and printed at the first start.")
    session_hours: float = Field(12.0, gt=0, description="A browser session ends this long after its last use.")
    access_token_minutes: float = Field(10.0, gt=0, description="Life of an API access token.")
    refresh_token_days: float = Field(30.0, gt=0, description="Life of an API refresh token.")

    registration_open: bool = Field(False, description="Whether people may make accounts themselves; needs SMTP_URL.")
    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Mail server, smtp://user:password@host:587 or smtps://…; console: for developers; empty: none.",
    )
    mail_from: str = Field("footprints@localhost", description="Sender of mails.")
    oidc_issuer: str = Field("", description="Address of an OpenID Connect provider to sign in with; empty: none.")
    oidc_client_id: str = Field("", description="Name of this installation at the provider.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Its secret there; empty: a public client.")
    oidc_name: str = Field("single sign-on", max_length=60, description="What people call the provider.")
    oidc_creates_accounts: bool = Field(False, description="Whether whom the provider knows gets an account here.")
    tier_of_user: Tier = Field(Tier.FREE, description="Limits of accounts with the role user.")
    tier_of_premium: Tier = Field(Tier.PREMIUM, description="Limits of accounts with the role premium.")
    tier_of_admin: Tier = Field(Tier.ENTERPRISE, description="Limits of accounts with the role admin.")
    free_calls_per_hour: int = Field(100, ge=0, description="Calls an hour in the tier free; 0: no limit.")
    free_jobs_per_hour: int = Field(5, ge=0, description="Jobs an hour in the tier free; 0: no limit.")
    free_states_per_day: int = Field(1, ge=0, description="States a day in the tier free; 0: no limit.")
    free_upload_bytes: int = Field(10 * MB, gt=0, description="Largest file in the tier free.")
    premium_calls_per_hour: int = Field(1000, ge=0, description="Calls an hour in the tier premium; 0: no limit.")
    premium_jobs_per_hour: int = Field(50, ge=0, description="Jobs an hour in the tier premium; 0: no limit.")
    premium_states_per_day: int = Field(10, ge=0, description="States a day in the tier premium; 0: no limit.")
    premium_upload_bytes: int = Field(100 * MB, gt=0, description="Largest file in the tier premium.")
    enterprise_calls_per_hour: int = Field(0, ge=0, description="Calls an hour in the tier enterprise; 0: no limit.")
    enterprise_jobs_per_hour: int = Field(0, ge=0, description="Jobs an hour in the tier enterprise; 0: no limit.")
    enterprise_states_per_day: int = Field(0, ge=0, description="States a day in the tier enterprise; 0: no limit.")
    enterprise_upload_bytes: int = Field(GB, gt=0, description="Largest file in the tier enterprise.")
    public_calls_per_minute: int = Field(
        60, ge=0, description="Calls a minute of an address that has not signed in, to log in or register; 0: no limit."
    )

    idempotency_hours: float = Field(24.0, gt=0, description="How long an answer to an Idempotency-Key is kept.")
    upload_limit_bytes: int = Field(2 * GB, gt=0, description="Largest file that is taken.")
    upload_retention_hours: float = Field(
        24.0, gt=0, description="An upload in pieces that nobody goes on with is removed after this."
    )
    scene_decoded_limit_bytes: int = Field(200 * GB, gt=0, description="Largest scene, counted as decoded pixels.")
    free_disk_bytes: int = Field(500_000_000, ge=0, description="Uploads stop while less than this is free.")

    lease_s: float = Field(30.0, gt=0, description="A worker that is silent for this long has lost its job.")
    heartbeat_s: float = Field(10.0, gt=0, description="How often a worker says that it is alive.")
    max_attempts: int = Field(3, ge=1, description="A job that stopped its worker this often is dead.")
    stall_s: float = Field(900.0, gt=0, description="A worker that gets no window done for this long is stopped.")
    cancel_grace_s: float = Field(30.0, gt=0, description="A job whose worker ignores a cancel ends after this anyway.")
    relay_s: float = Field(0.5, gt=0, description="How often new jobs are handed to the broker.")
    reconcile_s: float = Field(5.0, gt=0, description="How often lost jobs are looked for.")
    republish_s: float = Field(30.0, gt=0, description="A queued job that the broker lost is sent again after this.")
    broker_timeout_s: float = Field(3.0, gt=0, description="Longest wait for an answer of the broker.")
    job_retention_days: float = Field(0.0, ge=0, description="Finished jobs are removed after this; 0: never.")
    export_retention_days: float = Field(7.0, gt=0, description="Prepared export files are removed after this.")
    worker_concurrency: int = Field(1, ge=1, description="Jobs that one worker runs at the same time.")
    worker_memory_mb: int = Field(
        4096, ge=0, description="A job or export that holds more memory than this is ended; 0: no limit."
    )
    state_parts_at_once: int = Field(4, ge=1, description="Scenes of one state's job that workers get at a time.")

    device: str = Field("auto", pattern="^(auto|cpu|cuda)$", description="Where the detector runs: auto, cpu or cuda.")
    weights_path: Path | None = Field(None, description="ONNX file to use in place of the default weights.")
    weights_dir: Path | None = Field(None, description="Folder of further weights; empty: DATA_DIR/weights.")
    basemap_url_template: str = Field("", description="XYZ address with {z} {x} {y}; empty: shipped outlines.")
    demo_scene: str = Field("", description="GeoTIFF for ./run demo, a path or an address; empty: a small public one.")
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR.")
    log_file: Path | None = Field(None, description="Logs go here too; empty: to standard error alone.")

    @field_validator(
        "trusted_hosts", "trusted_proxies", "allowed_networks", "admin_networks", "cors_origins", mode="before"
    )
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("allowed_networks", "admin_networks")
    @classmethod
    def _refuse_no_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            ipaddress.ip_network(network)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _refuse_no_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not EXACT_ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin} is no origin: scheme and host in small letters, maybe a port, nothing else")
        return value

    @field_validator("secret_key")
    @classmethod
    def _refuse_short_key(cls, value: SecretStr) -> SecretStr:
        length = len(value.get_secret_value().encode())
        if 0 < length < SECRET_KEY_MIN_BYTES:
            raise ValueError(f"it has {length} bytes; at least {SECRET_KEY_MIN_BYTES} are needed")
        return value

    @field_validator("oidc_issuer")
    @classmethod
    def _refuse_issuer_in_clear(cls, value: str) -> str:
        parts = urlsplit(value)
        is_safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost"))
        is_plain = bool(parts.hostname) and not (parts.query or parts.fragment or "@" in parts.netloc)
        if value and not (is_safe and is_plain):
            raise ValueError("it must be an https address (http on this machine alone) without ? # and @")
        return value

    @field_validator("worker_memory_mb")
    @classmethod
    def _leave_room_for_the_detector(cls, value: int) -> int:
        if 0 < value < WORKER_MEMORY_MIN_MB:
            raise ValueError(f"a worker holds hundreds of MB before its first window; at least {WORKER_MEMORY_MIN_MB}")
        return value

    @model_validator(mode="after")
    def _name_the_client(self) -> "Settings":
        if self.oidc_issuer and not self.oidc_client_id:
            raise ValueError("OIDC_ISSUER needs OIDC_CLIENT_ID")
        return self

    @model_validator(mode="after")
    def _beat_within_lease(self) -> "Settings":
        if self.heartbeat_s * 2 > self.lease_s:
            raise ValueError("HEARTBEAT_S must be at most half of LEASE_S")
        return self

    @cached_property
    def database_address(self) -> str:
        """SQLAlchemy address of the database, with its driver."""
        if not self.database_url:
            return f"sqlite:///{self.data_dir.resolve() / 'app.db'}"
        scheme, _, rest = self.database_url.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else self.database_url

    @property
    def broker_address(self) -> str:
        """Address of the broker: the setting, else what the launcher's broker wrote. Empty when there is none yet."""
        if self.redis_url:
            return self.redis_url
        written = self.data_dir / "broker" / "url"
        return written.read_text().strip() if written.is_file() else ""

    @cached_property
    def secret_key_bytes(self) -> bytes:
        """The key that signs tokens: the setting, else the one generated once in DATA_DIR/secret.key (mode 0600)."""
        given = self.secret_key.get_secret_value()
        return given.encode() if given else _generated_key(self.data_dir / "secret.key")


def load_settings(**overrides: object) -> Settings:
    """Read settings from the environment and `.env`; `overrides` win. Raises `SettingInvalid` naming the variable."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]).upper() or "settings"
        raise SettingInvalid(name=name, detail=first["msg"]) from error


def _generated_key(path: Path) -> bytes:
    """Return the key in `path`, making it if need be. Processes that start together agree on one key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"secret.key.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its key counts
        finally:
            draft.unlink()
    key = path.read_bytes().strip()
    if len(key) < SECRET_KEY_MIN_BYTES:
        raise SettingInvalid(name="secret.key", detail=f"{path} holds fewer than {SECRET_KEY_MIN_BYTES} bytes")
    return key
