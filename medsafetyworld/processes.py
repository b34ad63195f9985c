"""What worker processes need so that no interruption leaves any behind."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time


def leave_with_parent() -> None:
    """End this worker process when its parent is gone, so that a killed run leaves no process that still writes."""
    parent = multiprocessing.parent_process()

    def watch() -> None:
        while parent is not None and parent.is_alive():
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def leave_interruption_to_parent() -> None:
    """Ignore Ctrl-C in this worker process: the parent, which a terminal interrupts as well, ends its workers in order."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
