"""What can go wrong in the lab; every message says what to do.

::

    LabError
    ├── UnsupportedSystem   this is not Linux
    ├── ToolMissing         a program is neither installed nor can be built
    ├── BuildFailed         `go build` said no
    ├── ProcessFailed       a program ended early or did not become ready; carries the end of its log
    └── CommandFailed       kubectl or promtool refused; carries its output
"""

from pathlib import Path


class LabError(Exception):
    """Anything that keeps the lab from doing what it was asked."""


class UnsupportedSystem(LabError):  # noqa: N818 - the tree above reads better without five times "Error"
    """The lab needs Linux."""


class ToolMissing(LabError):  # noqa: N818
    """A program is neither installed nor can be built."""


class BuildFailed(LabError):  # noqa: N818
    """The Go compiler refused."""


class ProcessFailed(LabError):  # noqa: N818
    """A program of the lab ended early or did not become ready in time."""


class CommandFailed(LabError):  # noqa: N818
    """A command that should have succeeded did not.

    Attributes:
        returncode: exit code of the command.
        output: what it wrote to stdout and stderr.
    """

    def __init__(self, message: str, returncode: int, output: str) -> None:
        super().__init__(message)
        self.returncode = returncode
        self.output = output


def log_tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log for an error message, or a word that there is none."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return f"({log} cannot be read)"
    return "\n".join(["--- the end of " + str(log), *text.splitlines()[-lines:]]) if text else f"({log} is empty)"
