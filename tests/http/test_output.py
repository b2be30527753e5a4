"""The log's file: in order, soon, and never in the way of requests."""

import asyncio
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.http.output import MAX_WAITING, Output
from tests.logged import logged
from tests.processes import TOP, environment


class Pipe:
    """What a process writes to, and who reads it."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        fcntl.fcntl(self.writer, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(self.reader, False)

    def read(self) -> str:
        """What has come."""
        found = b""
        try:
            while piece := os.read(self.reader, 65536):
                found += piece
        except BlockingIOError:
            pass
        return found.decode()

    async def arrival(self) -> str:
        """What has come, once something has."""
        loop, arrived = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self.reader, arrived.set)
        await arrived.wait()
        loop.remove_reader(self.reader)
        return self.read()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A small one."""
    made = Pipe()
    yield made
    os.close(made.writer)
    os.close(made.reader)


async def test_lines_come_in_order_when_the_turn_of_the_loop_ends(pipe: Pipe) -> None:
    output = Output(pipe.writer)
    output.write("one\n")
    output.write("two\n")
    assert pipe.read() == ""
    await asyncio.sleep(0)
    assert pipe.read() == "one\ntwo\n"
    output.write("three\n")
    output.write("four\n", urgent=True)
    assert pipe.read() == "three\nfour\n"
    await asyncio.to_thread(output.write, "five\n")
    assert pipe.read() == "five\n"


async def test_a_thread_without_a_loop_does_not_wait_for_that_of_another(pipe: Pipe) -> None:
    output = Output(pipe.writer)
    output.write("of the loop\n")
    thread = threading.Thread(target=output.write, args=["of a thread\n"])
    thread.start()
    thread.join()
    assert pipe.read() == "of the loop\nof a thread\n"


def test_without_a_loop_a_line_is_written_at_once(pipe: Pipe) -> None:
    Output(pipe.writer).write("Räil \ud800\n")
    assert pipe.read() == "Räil \\ud800\n"


async def test_nobody_waits_for_a_reader_who_does_not_read(pipe: Pipe) -> None:
    output, line = Output(pipe.writer), "x" * 999 + "\n"
    for _ in range(2 * MAX_WAITING // len(line)):
        output.write(line, urgent=True)
    read = ""
    with logged([]) as lines:
        while not lines:
            read += pipe.read()
            output.flush()
    read += pipe.read()
    assert set(read.split("\n")) == {line.rstrip(), ""}
    assert [one["lines"] + read.count("\n") for one in lines] == [2 * MAX_WAITING // len(line)]
    assert MAX_WAITING <= len(read) <= MAX_WAITING + 8192
    output.write("afterwards\n", urgent=True)
    assert pipe.read() == "afterwards\n"


async def test_what_waits_goes_out_without_a_further_line(pipe: Pipe) -> None:
    output = Output(pipe.writer)
    output.write("x" * 6000 + "\n", urgent=True)
    read = ""
    async with asyncio.timeout(20):
        while len(read) < 6001:
            read += await pipe.arrival()


def test_nothing_is_raised_where_nobody_reads_any_more(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    output = Output(writer)
    output.write("lost\n")
    os.close(writer)
    output.write("lost\n")
    Output(writer).write("lost\n")


@pytest.mark.parametrize("ending", ["", "raise ZeroDivisionError", "sys.exit(3)"])
def test_what_is_logged_before_a_process_ends_is_not_lost(ending: str) -> None:
    program = f"""
import asyncio, logging, sys, structlog
from app.http import logs
from app.http.output import STDERR
from app.settings import LogFormat
logs.configure(LogFormat.JSON)
async def main():
    STDERR.write("a request\\n")
    structlog.get_logger().info("an event")
    {ending}
asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), cwd=TOP, capture_output=True, text=True, check=False
    )
    first, second = [line for line in done.stderr.splitlines() if "a request" in line or "an event" in line][:2]
    assert first == "a request"
    assert '"event": "an event"' in second
