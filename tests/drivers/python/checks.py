"""What every Python driver's program says, and how: one line a check, `ok NAME` or `FAILED NAME: …`."""

import os
import sys
import traceback


class Target:
    """The server, from the environment."""

    def __init__(self):
        self.host = os.environ["SHOAL_HOST"]
        self.port = int(os.environ["SHOAL_PORT"])
        self.user = os.environ["SHOAL_USER"]
        self.password = os.environ["SHOAL_PASSWORD"]
        self.database = os.environ["SHOAL_DATABASE"]
        self.ca = os.environ["SHOAL_CA"]


def one_line(text):
    shown = str(text).replace("\n", "\\n")
    return shown if len(shown) <= 300 else shown[:300] + "…"


def say(name, failure=None):
    print(f"ok {name}" if failure is None else f"FAILED {name}: {one_line(failure)}", flush=True)


def check(name, expected, call):
    """One check: that the call gives the value. Whatever it raises is a failure, and the program goes on."""
    try:
        got = call()
    except Exception as error:  # noqa: BLE001 - every exception of a driver is an answer of it
        where = traceback.extract_tb(sys.exc_info()[2])[-1]
        say(name, f"expected {expected!r} got {type(error).__name__}: {error} ({where.name}:{where.lineno})")
        return
    say(name, None if got == expected else f"expected {expected!r} got {got!r}")


def raised(call):
    """The exception that the call must end with."""
    try:
        got = call()
    except Exception as error:  # noqa: BLE001
        return error
    raise AssertionError(f"no error, but {got!r}")
