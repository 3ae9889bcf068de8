"""Asking servers and taking the time: over kept connections, with as little of our own work as possible."""

from __future__ import annotations

import base64
import random
import socket
import statistics
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from bench.size import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.servers import Server


@dataclass(frozen=True)
class Ask:
    """A request: to which server, for what, by whom."""

    server: str
    path: str
    logon: str = "restricted"
    method: str = "GET"
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    password: str = PASSWORD

    def raw(self) -> bytes:
        """Return the bytes of the request."""
        credentials = base64.b64encode(f"{self.logon}:{self.password}".encode()).decode()
        lines = [f"{self.method} {self.path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Basic {credentials}"]
        if self.body or self.method != "GET":
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join([*lines, "", ""]).encode() + self.body


@dataclass(frozen=True)
class Answer:
    """What came back, and in how many seconds."""

    status: int
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        """The body as a value."""
        return orjson.loads(self.body)


class Line:
    """A kept connection to a server."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def ask(self, ask: Ask) -> Answer:
        """Send a request and read its answer; a connection that the server has closed is opened again."""
        raw = ask.raw()
        for last in (False, True):
            begin = time.perf_counter()
            try:
                status, body = self._exchange(raw)
            except (ConnectionError, EOFError):
                self.close()
                if last:
                    raise
            else:
                return Answer(status, body, time.perf_counter() - begin)
        raise AssertionError

    def _exchange(self, raw: bytes) -> tuple[int, bytes]:
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=300)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(raw)
        found = b""
        while (end := found.find(b"\r\n\r\n")) < 0:
            found += self._more()
        head = found[:end].lower().split(b"\r\n")
        length = next((int(line[15:]) for line in head if line.startswith(b"content-length:")), 0)
        pieces, missing = [found[end + 4 :]], length - (len(found) - end - 4)
        while missing > 0:
            pieces.append(self._more())
            missing -= len(pieces[-1])
        if b"connection: close" in head:
            self.close()
        return int(head[0].split()[1]), b"".join(pieces)

    def _more(self) -> bytes:
        assert self.socket is not None
        piece = self.socket.recv(1 << 20)
        if not piece:
            raise EOFError
        return piece

    def close(self) -> None:
        """Close the connection."""
        if self.socket is not None:
            self.socket.close()
        self.socket = None


@dataclass
class Sample:
    """The times of one variant of a case, in milliseconds; ``seconds`` and ``done`` of a run with many callers."""

    case: str
    variant: str
    caller: str
    at: int = 1
    times: list[float] = field(default_factory=list)
    size: int = 0
    seconds: float = 0.0
    done: int = 0

    def summary(self) -> dict[str, Any]:
        """Return what is kept of it."""
        ordered = sorted(self.times)
        rate = self.done / self.seconds if self.seconds else 0.0
        return {
            "case": self.case,
            "variant": self.variant,
            "caller": self.caller,
            "at": self.at,
            "n": len(ordered),
            "p10": ordered[len(ordered) // 10],
            "p50": statistics.median(ordered),
            "p95": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
            "rate": rate,
            "bytes": self.size,
        }


@dataclass(frozen=True)
class Effort:
    """How often is asked: ``rounds`` for each variant, less where that takes longer than ``seconds``."""

    rounds: int
    seconds: float
    slices: int
    slice_seconds: float


def expected(answer: Answer, ask: Ask) -> Answer:
    """Return an answer that is a success. Raises RuntimeError for another."""
    if not 200 <= answer.status < 300:
        raise RuntimeError(f"{ask.method} {ask.path} as {ask.logon}: {answer.status} {answer.body[:300]!r}")
    return answer


def alternate(servers: Mapping[str, Server], case: str, asks: Mapping[str, Ask], effort: Effort) -> list[Sample]:
    """Measure the variants of a case one by one in turn, until each has its rounds or its seconds.

    Each round has an order of its own: whoever always came after the slowest would find all caches filled by that one.
    """
    lines = {name: Line(servers[ask.server].port) for name, ask in asks.items()}
    samples = {name: Sample(case, name, ask.logon) for name, ask in asks.items()}
    for name, ask in asks.items():  # both processes get warm
        for _ in range(5):
            samples[name].size = len(expected(lines[name].ask(ask), ask).body)
            lines[name].close()
        for _ in range(2):
            lines[name].ask(ask)
    drawn = random.Random(case)  # the same in every run
    for _ in range(effort.rounds):
        for name, ask in drawn.sample(list(asks.items()), len(asks)):
            sample = samples[name]
            if sum(sample.times) < effort.seconds * 1000 or len(sample.times) < 3:
                sample.times.append(expected(lines[name].ask(ask), ask).seconds * 1000)
    for line in lines.values():
        line.close()
    return list(samples.values())


def together(
    servers: Mapping[str, Server], case: str, asks: Mapping[str, Ask], effort: Effort, callers: int = 16
) -> list[Sample]:
    """Measure the variants of a case with many ``callers`` at the same time, in alternating slices of time."""
    samples = {name: Sample(case, name, ask.logon, callers) for name, ask in asks.items()}
    drawn = random.Random(case)
    for _ in range(effort.slices):
        for name, ask in drawn.sample(list(asks.items()), len(asks)):
            _slice(servers[ask.server].port, ask, samples[name], callers, effort.slice_seconds)
    return list(samples.values())


def _slice(port: int, ask: Ask, sample: Sample, callers: int, seconds: float) -> None:
    times: list[list[float]] = [[] for _ in range(callers)]
    begin = time.perf_counter()

    def work(mine: list[float]) -> None:
        line = Line(port)
        while not mine or time.perf_counter() - begin < seconds:
            mine.append(expected(line.ask(ask), ask).seconds * 1000)
        line.close()

    threads = [threading.Thread(target=work, args=(mine,)) for mine in times]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sample.seconds += time.perf_counter() - begin
    found: Sequence[float] = [taken for mine in times for taken in mine]
    sample.times.extend(found)
    sample.done += len(found)
