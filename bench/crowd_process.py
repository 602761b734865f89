"""`python -m bench.crowd_process`: many WebSocket clients in one process, which only note what arrives and when.

It is told what to do by lines on its standard input and answers each with one line (see `bench.crowd`, which drives it):

    connect N TOPIC   open so many more connections, subscribe each to the topic, wait until all are synced -> number open
    begin             note arrivals from now on, forgetting earlier ones                                    -> 0
    count                                                                                                  -> frames since begin
    end FILE          write what was noted: [[text of the message, [arrival, …]], …]                         -> frames since begin

A message that is the same for all clients is kept once, with all its arrivals (epoch microseconds, taken as the frame is parsed).
"""

import asyncio
import gc
import sys
import time
from array import array
from pathlib import Path

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

CONNECT_AT_ONCE = 50
SYNCED_WITHIN_S = 120.0


class Crowd:
    """All clients."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.noting = False
        self.frames = 0
        self.arrivals: dict[bytes, array[int]] = {}
        self.unsynced = 0
        self.all_synced = asyncio.Event()
        self.transports: list[WSTransport] = []
        self.lost = 0

    async def connect(self, count: int, topic: str) -> int:
        """See the module."""
        self.unsynced += count
        self.all_synced.clear()
        left = count
        while left:
            some = min(left, CONNECT_AT_ONCE)
            await asyncio.gather(*(self._one(topic) for _ in range(some)))
            left -= some
        async with asyncio.timeout(SYNCED_WITHIN_S):
            await self.all_synced.wait()
        return len(self.transports) - self.lost

    async def _one(self, topic: str) -> None:
        transport, _ = await ws_connect(
            lambda: Client(self), self.url, websocket_handshake_timeout=30, read_buffer_init_size=1024
        )
        self.transports.append(transport)
        command = msgspec.json.encode({"id": 1, "op": "subscribe", "topics": [topic]})
        transport.send(WSMsgType.TEXT, command)

    def begin(self) -> int:
        self.arrivals, self.frames, self.noting = {}, 0, True
        return 0

    def end(self, path: Path) -> int:
        self.noting = False
        noted = [[text.decode(), list(times)] for text, times in self.arrivals.items()]
        path.write_bytes(msgspec.json.encode(noted))
        self.arrivals = {}
        return self.frames


class Client(WSListener):
    """One connection."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._synced = False

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:  # noqa: ARG002 - picows' signature
        if frame.msg_type != WSMsgType.TEXT:
            return
        crowd = self._crowd
        if crowd.noting:
            now = time.time_ns() // 1000
            payload = frame.get_payload_as_bytes()
            crowd.frames += 1
            times = crowd.arrivals.get(payload)
            if times is None:
                times = crowd.arrivals[payload] = array("q")
            times.append(now)
        elif not self._synced and b'"op":"synced"' in frame.get_payload_as_bytes():
            self._synced = True
            crowd.unsynced -= 1
            if not crowd.unsynced:
                crowd.all_synced.set()

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows' signature
        self._crowd.lost += 1


async def obey(url: str) -> None:
    """Do what the lines say until there are no more."""
    crowd = Crowd(url)
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        word, *rest = line.decode().split()
        match word:
            case "connect":
                answer = await crowd.connect(int(rest[0]), rest[1])
            case "begin":
                answer = crowd.begin()
            case "count":
                answer = crowd.frames
            case _:
                answer = crowd.end(Path(rest[0]))
        print(answer, flush=True)


if __name__ == "__main__":
    gc.disable()  # nothing here is cyclic, and a collection would be measured as latency
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(obey(sys.argv[1]))
