"""The settings in words: `.env.example` and the table in README.md are written from the code."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from webapp.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
ENV_EXAMPLE = ROOT / ".env.example"
README = ROOT / "README.md"
BEGIN, END = "<!-- settings -->", "<!-- /settings -->"
HEAD = """\
# Copy this file to .env beside ./run and change what you need. Variables of the environment win over the file,
# options of ./run win over both. Shown are the defaults; an empty value means the default.
"""


def env_example() -> str:
    """Return the text of `.env.example`."""
    return HEAD + "".join(f"\n# {words}\n#{name}={default}\n" for name, default, words in _settings())


def settings_table() -> str:
    """Return the Markdown table of all settings."""
    rows = (f"| `{name}` | {_as_code(default)} | {words} |\n" for name, default, words in _settings())
    return "| variable | default | what |\n|---|---|---|\n" + "".join(rows)


def readme_with_table(readme: str) -> str:
    """Return the README with the table between its marks brought up to date."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{settings_table()}{END}{after}"


def write_settings_text() -> None:
    """Write both."""
    ENV_EXAMPLE.write_text(env_example())
    README.write_text(readme_with_table(README.read_text()))


def _settings() -> Iterator[tuple[str, str, str]]:
    """Give name, default and meaning of each setting."""
    for name, field in Settings.model_fields.items():
        yield name.upper(), _plain(field.get_default()), field.description or ""


def _plain(value: object) -> str:
    if value is None or value == ():
        return ""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _as_code(value: str) -> str:
    return f"`{value}`" if value else ""
