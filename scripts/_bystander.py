"""A bystander, as a process that imports nothing of the product: calls a server until its standard input ends."""

import json
import select
import sys
import time
from http.client import HTTPConnection, HTTPException

EVERY_SECONDS = 0.05
BODY = json.dumps({"context": {"userId": "u"}, "keys": ["flag-0"]})


def main(port: str, path: str, cookie: str) -> None:
    """Asks in turn whether the server is alive, and for an evaluation; prints the milliseconds that each took."""
    connection = HTTPConnection("127.0.0.1", int(port), timeout=120)
    headers = {"Content-Type": "application/json", "Cookie": cookie}
    times: list[float] = []
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], EVERY_SECONDS)[0]:
        for method, address, body in (("GET", "/healthz", None), ("POST", path, BODY)):
            began = time.monotonic()
            try:
                connection.request(method, address, body, headers)
                connection.getresponse().read()
            except (OSError, HTTPException):
                connection.close()
            times.append((time.monotonic() - began) * 1000)
    print(json.dumps(times))


if __name__ == "__main__":
    main(*sys.argv[1:])
