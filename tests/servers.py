"""Real servers that tests start for themselves: on a free port, in a temporary folder, ended with the session."""

import fcntl
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

import pytest

PATIENCE_SECONDS = 30


def missing(what: str, package: str) -> None:
    """Skips the test, loudly, where its server is not installed; on CI that is a failure."""
    message = f"{what} is not installed; on Debian: apt-get install {package}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps the other workers of pytest out of what is done in the folder."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server; gives its address, without a database.

    Its data is not in pytest's temporary folder, which each session of pytest closes to other users again.
    """
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    found = str(binaries[-1]) if binaries else shutil.which("postgres")
    if found is None:
        missing("PostgreSQL", "postgresql")
    home, data, port = Path(str(found)).parent, Path(mkdtemp(prefix="signalbox-postgres-")), free_port()
    as_user = _unprivileged(data)
    initdb = [str(home / "initdb"), "-D", str(data), "-U", "signalbox", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(initdb, check=True, capture_output=True, user=as_user, cwd=data)
    options = ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={data}"]
    command = [str(home / "postgres"), "-D", str(data), "-p", str(port), *options]
    with subprocess.Popen(
        command, user=as_user, cwd=data, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as server:
        try:
            _wait_for([str(home / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-U", "signalbox"])
            yield f"postgresql://signalbox@127.0.0.1:{port}"
        finally:
            server.send_signal(signal.SIGINT)  # which waits for no client
            server.wait()
            shutil.rmtree(data)


NGINX = """
daemon off; master_process off; error_log stderr; pid {folder}/nginx.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    gzip on; gzip_types *; gzip_proxied any; gzip_min_length 20;
    server {{
        listen 127.0.0.1:{port};
        location /flags {{ proxy_pass http://127.0.0.1:{upstream}; proxy_set_header Host $http_host; }}
        location /flags/graphql {{
            proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection;
        }}
    }}
}}
"""


@contextmanager
def nginx(port: int, upstream: int, folder: Path) -> Iterator[None]:
    """Debian's nginx in front of what listens on `upstream`, below `/flags`: it strips nothing and compresses all."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        missing("nginx", "nginx")
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, upstream=upstream))
    with subprocess.Popen([str(program), "-e", "stderr", "-c", str(config)], stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for_port(port)
            yield
        finally:
            server.terminate()
            server.wait()


def _wait_for_port(port: int) -> None:
    """Until somebody listens there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody listens on {port}")


def _unprivileged(folder: Path) -> str | None:
    """PostgreSQL refuses to run as root: then it runs as Debian's user for it, in a folder of that user."""
    if os.geteuid() != 0:
        return None
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return "postgres"


def _wait_for(command: list[str]) -> None:
    """Until the command succeeds."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while subprocess.run(command, check=False, capture_output=True).returncode != 0:
        if time.monotonic() > deadline:
            raise TimeoutError(" ".join(command))
