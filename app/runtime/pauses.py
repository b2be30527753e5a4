"""How long Python itself may hold up everybody."""

import gc
import sys

_THRESHOLDS = 2_000, 1, 1_000


def shorten() -> None:
    """For a process that serves.

    A full collection of garbage looks at all that lives and stops everything meanwhile: by default, often while much is
    made. What a request leaves behind goes without it, as it has no cycles. A thread that needs the interpreter, as
    each statement of the database does several times, waits by default 5 ms for one that computes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    sys.setswitchinterval(0.0005)


def much_was_made() -> None:
    """What lives now will live for long, and no further collection looks at it, if pauses were shortened.

    Of garbage, that of the last thousands of objects goes before: it would never be found any more.
    """
    if gc.get_threshold() == _THRESHOLDS:
        gc.collect(1)
        gc.freeze()
