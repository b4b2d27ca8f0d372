"""
A web server's log, recorded: ordinary readers, then a scanner among them.

``python -m bench.record_log FOLDER FILE`` serves a folder on the loopback address for three minutes to clients that
read its files as people do (popular pages more than others, pages near the last one, now and then one that is not
there), lets a scanner for weak spots in after two of them, and writes the server's access log in the common "combined"
format, gzipped. The log that the library ships (``ncd/data/weblog``) was recorded so, from this project's own files.
"""

from __future__ import annotations

import gzip
import http.client
import math
import random
import sys
import threading
import time
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

READERS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5",
    "curl/8.5.0",
]
SCANNED = ["/.env", "/.git/config", "/wp-login.php", "/phpmyadmin/index.php", "/admin/login.php", "/cgi-bin/test.cgi"]
SECONDS, SCAN_AFTER = 180.0, 120.0


class _Handler(SimpleHTTPRequestHandler):
    """A file server that logs as web servers do."""

    lines: list[str]

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        when = datetime.now(UTC).strftime("%d/%b/%Y:%H:%M:%S +0000")
        client = self.headers.get("X-Client", self.client_address[0])
        agent, referer = self.headers.get("User-Agent", "-"), self.headers.get("Referer", "-")
        status = int(code)
        self.lines.append(f'{client} - - [{when}] "{self.requestline}" {status} {size} "{referer}" "{agent}"')

    def log_message(self, format: str, *values: Any) -> None:
        del format, values


def _get(port: int, path: str, client: str, agent: str, referer: str = "-") -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"User-Agent": agent, "X-Client": client, "Referer": referer})
    connection.getresponse().read()
    connection.close()


def _popular(pages: list[str], rng: random.Random) -> int:
    """A page, the k-th with a probability of about 1 / k."""
    return min(int(math.exp(rng.random() * math.log(len(pages)))) - 1, len(pages) - 1)


def _reader(port: int, pages: list[str], number: int, end: float) -> None:
    """Somebody who reads."""
    rng = random.Random(number)
    while time.monotonic() < end:
        client = f"203.0.113.{rng.randrange(1, 60)}"  # addresses for documentation (RFC 5737)
        agent = rng.choice(READERS)
        at, referer = _popular(pages, rng), "-"
        for _ in range(rng.randrange(1, 6)):
            path = pages[at] if rng.random() > 0.02 else pages[at] + "x"
            _get(port, path, client, agent, referer)
            referer = f"https://example.org{path}"
            at = (at + rng.randrange(-3, 4)) % len(pages) if rng.random() < 0.2 else _popular(pages, rng)
            time.sleep(rng.expovariate(1.2))
            if time.monotonic() > end:
                return


def _scanner(port: int, end: float) -> None:
    """A program that tries what is often left open."""
    rng = random.Random(0)
    while time.monotonic() < end:
        path = rng.choice(SCANNED) + rng.choice(["", "?id=1'%20OR%20'1'='1", "?file=../../../../etc/passwd", ".bak"])
        _get(port, path, "198.51.100.23", "Mozilla/5.0 zgrab/0.x")
        time.sleep(rng.expovariate(8.0))


def main(folder: str, output: str) -> None:
    """Serve, read, scan, write."""
    _Handler.lines = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    files = (path.relative_to(folder) for path in sorted(Path(folder).rglob("*")) if path.suffix in (".md", ".py"))
    pages = [f"/{path}" for path in files if not any(part.startswith(".") for part in path.parts)]
    random.Random(0).shuffle(pages)
    port, began = server.server_address[1], time.monotonic()
    readers = [threading.Thread(target=_reader, args=(port, pages, i, began + SECONDS)) for i in range(8)]
    for reader in readers:
        reader.start()
    time.sleep(SCAN_AFTER)
    scan = len(_Handler.lines)
    _scanner(port, began + SECONDS)
    for reader in readers:
        reader.join()
    server.shutdown()
    data = ("\n".join(_Handler.lines) + "\n").encode()
    Path(output).write_bytes(gzip.compress(data, mtime=0))
    print(f"{len(_Handler.lines):,} lines, {len(data):,} bytes; the scanner's first is line {scan + 1:,}")


if __name__ == "__main__":
    main(*sys.argv[1:])
