"""The errors a user can mend, and the boundary at which a script prints them.

Knows nothing about what went wrong: the rooms above build the texts.

    UserError             exit code 2, printed without a traceback
    ├── ConfigError       config.yaml, a profile, or a key=value override
    ├── DataError         a file of graphs or training rows; carries every problem found
    │   └── CheckFailed   a check of a fine-tuning run; each problem with its code (kgtune/checks/CODES.md)
    ├── ModelError        weights, tokenizer or adapter that can't be used as asked
    ├── ServiceError      a running service that can't be reached, or that answered with an error
    └── GateFailed        exit code 3: the work was done, and a required gate was not met
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where it stands, what it is, what to do about it.

    `code` is stable and short (``E-DANGLING``), so that problems can be counted and looked up.
    """

    code: str
    where: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.fix}"


class UserError(Exception):
    """What, where and what to do, in one text. `main()` prints it; exit code 2."""

    exit_code = 2


class ConfigError(UserError):
    """A key, value or file of the configuration can't be used."""


class ModelError(UserError):
    """A model folder, hub id, tokenizer or adapter can't be used as asked."""


class ServiceError(UserError):
    """The service gave no graph. `status` is the HTTP status, None when there was no answer at all."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class GateFailed(UserError):
    """A gate that the user required was not met. The results are written all the same."""

    exit_code = 3


class DataError(UserError):
    """Input data was refused. `problems` holds all that was found, not just the first."""

    def __init__(self, problems: Sequence[Problem], *, summary: str = "") -> None:
        self.problems = tuple(problems)
        lines = [summary] if summary else []
        lines += [str(problem) for problem in self.problems]
        super().__init__("\n".join(lines))


class CheckFailed(DataError):
    """A check of a fine-tuning run stopped it. Every line begins with the check's code."""

    def __init__(self, problems: Sequence[Problem], *, summary: str = "") -> None:
        super().__init__(problems, summary=summary)
        lines = [summary] if summary else []
        self.args = ("\n".join([*lines, *(f"{problem.code}: {problem}" for problem in problems)]),)


def run_script(main: Callable[[], int]) -> int:
    """Run a script's body; print a user error to stderr and return its exit code."""
    try:
        return main()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("stopped by the user", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
