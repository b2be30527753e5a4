"""The data folder: nobody but its owner can look into it, and a server leaves its address there for the commands."""

import fcntl
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile

import structlog

from app.settings import BadSetting, Settings

OTHERS = stat.S_IRWXG | stat.S_IRWXO
log = structlog.get_logger()


def prepare(folder: Path) -> None:
    """Makes the folder where it is missing. Raises BadSetting for one that nothing can be kept in."""
    try:
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
    except OSError as fault:
        why = "It is a file" if isinstance(fault, FileExistsError) else fault.strerror
        what = "Choose a folder that this user can write to, with --data-dir or SIGNALBOX_DATA_DIR."
        raise BadSetting(f"SIGNALBOX_DATA_DIR: cannot keep data in {folder}: {why}. {what}") from None
    if (line := open_to_others(folder)) is not None:
        log.warning(line)


def open_to_others(folder: Path) -> str | None:
    """What to do about a folder that other users of the machine can look into."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    return (
        f"{folder} is open to other users of this machine (mode {mode:o}): chmod 700 {folder}"
        if mode & OTHERS
        else None
    )


class Whereabouts:
    """The address of the server that runs, in a file that is locked for as long as it does."""

    def __init__(self, settings: Settings) -> None:
        self._path = _path(settings.data_dir)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._ours = False
        with suppress(BlockingIOError):  # another server has the folder, but not the database
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._ours = True
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, json.dumps({"pid": os.getpid(), "url": settings.public_url}).encode(), 0)

    def forget(self) -> None:
        """Before the server ends. After a crash the file stays, and is not locked."""
        if self._ours:
            self._path.unlink(missing_ok=True)


def address_of_server(folder: Path) -> str | None:
    """Where the server of the data folder is; None where none runs."""
    try:
        with _path(folder).open("rb") as file:
            with suppress(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                return None
            return str(json.load(file)["url"])
    except (OSError, ValueError, KeyError):
        return None


def _path(folder: Path) -> Path:
    return folder / "server.json"
