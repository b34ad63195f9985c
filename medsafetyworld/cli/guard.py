"""How every command ends: a result, one line about bad input, or one line about an interruption."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from medsafetyworld.errors import MedSafetyWorldError


def main_guard(run: Callable[[], int]) -> int:
    """Run a command; bad input becomes one line on stderr and exit code 2, an interruption one line and 130."""
    # Waiting OpenMP threads must sleep: spinning ones starve the other processes of a machine. It counts before torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        code = run()
        sys.stdout.flush()
    except MedSafetyWorldError as error:
        return _stop(f"error: {error}", 2)
    except KeyboardInterrupt:
        return _stop("interrupted", 130)
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. What is still buffered must go nowhere, or Python reports it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        return _stop(f"error: {error.filename!r} cannot be used: {error.strerror}.", 2)
    return code


def _stop(message: str, code: int) -> int:
    print(" ".join(message.split()), file=sys.stderr)
    return code
