"""Does one of our own children answer over HTTP? No more than the status line of a GET, so that nothing large is imported for it."""

import asyncio
import ssl
from urllib.parse import urlsplit


async def status_of(url: str, *, within: float = 1.0) -> int:
    """The HTTP status of a GET; 0 where nobody answers in time. Certificates are for others to verify: it is our child."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    tls = ssl._create_unverified_context() if secure else None
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port, ssl=tls)
            try:
                head = f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode())
                line = await reader.readline()
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return 0
    words = line.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
