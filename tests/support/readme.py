"""What the README tells people to type."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def blocks_below(heading: str, language: str) -> list[str]:
    """Return the code blocks of a language below a heading, up to the next one."""
    section = re.search(rf"^#+ {re.escape(heading)}$(.*?)^#+ ", README.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"the README has no heading {heading!r}"
    return re.findall(rf"^```{language}\n(.*?)^```$", section[1], re.MULTILINE | re.DOTALL)
