"""Short lines for the person who started the installation."""

import sys


class Console:
    """Prints to standard output at once; a terminal that went away is no reason to stop."""

    def line(self, name: str, text: str) -> None:
        """Print what happened to one part."""
        self.say(f"  {name:<11} {text}")

    def say(self, text: str = "") -> None:
        """Print a line."""
        self.pass_on(text + "\n")

    def pass_on(self, text: str) -> None:
        """Print text as it is."""
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except (OSError, ValueError):
            sys.stdout = open("/dev/null", "w")  # noqa: SIM115 - it stays open until the end
