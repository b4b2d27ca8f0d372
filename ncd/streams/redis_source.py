"""Redis Streams as a source."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from threading import Event
from typing import Any, Self, TypeVar

from ncd.arguments import real_number, whole_number
from ncd.exceptions import MissingLibraryError
from ncd.streams.pipes import Stop, asked
from ncd.streams.redis_store import AT_ONCE, RedisStore

__all__ = ["RedisSource"]

_Answer = TypeVar("_Answer")
_Message = tuple[bytes, dict[bytes, bytes] | None]

_FIRST_WAIT, _LONGEST_WAIT = 0.05, 10.0  # seconds between attempts to reach the server
_log = logging.getLogger("ncd.streams")


class RedisSource:
    """
    Units from a stream of Redis, as one consumer of a group; for `watch`.

    The group is made if there is none. First come the consumer's own messages that were delivered and never
    acknowledged (after a crash), then new ones, as many as there are. When the connection breaks this says so and tries
    again, after 0.05 seconds and then ever longer, up to 10; afterwards what was on its way is fetched again, once.

    **Exactly once.** With ``checkpoint=source.store()`` the detector's state, the alarms found and the acknowledgement
    of the messages that led to them are one transaction in Redis (MULTI/EXEC): a crash at any moment, of the consumer
    or of Redis, leaves all of it or nothing, so that no message is lost or counted twice and no alarm is lost or
    written twice. The alarms so written are the ones to rely on; those that `watch` gives are there earlier, and again
    after a crash. A transaction is numbered, so that one whose answer was lost is not repeated; and a second process
    under the same consumer's name ends the first one (`RedisStateError`), which can no longer write. All this is as
    durable as Redis is set up to be.

    With a file as the checkpoint, messages are counted once too: the file holds the ids of those that may not have been
    acknowledged. This suits states that are too large for Redis (thousands of keys); alarms since the last checkpoint
    are given again after a crash.

    Parameters
    ----------
    url_or_client : str or redis.Redis
        Such as ``"redis://localhost:6379/0"``. Of a client the settings of its connections are taken.
    stream : str
    group, consumer : str
        Each process needs a consumer's name of its own, and keeps it over restarts.
    field : str
        Of a message, which holds the unit. Messages without it are passed over, counted in `skipped`, and the first
        of them is reported.
    convert : callable, optional
        Makes the unit of the field's bytes, such as ``float``; a ValueError skips the message. By default units are the
        bytes.
    start : str
        Where a new group begins: "0" with all that is in the stream, "$" with what comes from now on.
    count : int
        Messages of a batch at most.
    block : float
        Seconds without messages after which an empty batch is given.
    take_over : float, optional
        Seconds after which messages that another consumer has not acknowledged are taken from it (XAUTOCLAIM): more
        than the time between two checkpoints of any consumer, and only for consumers that will not come back.
    stop : threading.Event or callable, optional
        Asked between two batches, and while the server cannot be reached.
    say : callable, optional
        Is told, in a sentence, of trouble. Default: warnings of the logger ``ncd.streams``.

    Attributes
    ----------
    skipped : int
        Messages without a unit.

    Raises
    ------
    MissingLibraryError
        Without the library redis.
    redis.exceptions.RedisError
        While it runs, for all but lost connections: a wrong password, a key that is no stream.

    Examples
    --------
    ::

        with RedisSource("redis://localhost", "logs", group="ncd", consumer="watcher-1") as source:
            for change in watch(source, StreamDetector(arl=100_000), checkpoint=source.store(alarms="alarms")):
                print(change)
    """

    def __init__(
        self,
        url_or_client: Any,
        stream: str,
        *,
        group: str,
        consumer: str,
        field: str = "text",
        convert: Callable[[bytes], Any] | None = None,
        start: str = "0",
        count: int = 1000,
        block: float = 1.0,
        take_over: float | None = None,
        stop: Stop = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._count = whole_number(count, "count", 1)
        self._block = real_number(block, "block", "give seconds, more than 0", lambda seconds: 0 < seconds < 1e6)
        self._take_over = take_over
        if take_over is not None:
            real_number(take_over, "take_over", "give seconds, more than 0", lambda seconds: 0 < seconds < 1e9)
        self.client = _client(url_or_client, self._block)
        self.stream, self.group, self.consumer = stream, group, consumer
        self.skipped = 0
        self._field, self._convert, self._start = field.encode(), convert, start
        self._stop, self._stopped, self._say = stop, asked(stop), say
        self._batches: deque[tuple[int, list[bytes]]] = deque()  # handed out, by token; not acknowledged
        self._ids: set[bytes] = set()  # of all of them
        self._done: set[bytes] = set()  # in the checkpoint; perhaps not acknowledged
        self._token = 0
        self._cursor: bytes | None = b"0"  # in the consumer's own messages; None: there are none left
        self._next_claim = 0.0

    def __iter__(self) -> Iterator[tuple[int, list[Any]]]:
        while not self._stopped():
            messages = self.persistently(self._read)
            if messages is None:
                return
            again = [id for id, _ in messages if id in self._done]
            new = [(id, fields) for id, fields in messages if id not in self._ids and id not in self._done]
            self._acknowledge(again)
            found = [(id, unit) for id, fields in new for unit in self._unit(id, fields)]
            ids = [id for id, _ in found]
            if len(found) < len(new):
                self._acknowledge(list({id for id, _ in new}.difference(ids)))  # nothing of them is to be kept
            if messages and not found:
                continue
            if ids:
                self._token += 1
                self._batches.append((self._token, ids))
                self._ids.update(ids)
            yield self._token, [unit for _, unit in found]

    def acknowledge(self, token: int) -> None:
        """This batch and all before it are in a checkpoint (XACK)."""
        ids = self.delivered(token)
        self._acknowledge(ids)
        self.forget(token)

    def position(self, token: int) -> list[str]:
        """Messages up to the token that will be acknowledged after the checkpoint."""
        return [id.decode() for id in self.delivered(token)]

    def seek(self, position: list[str]) -> None:
        """These are in the checkpoint: they are acknowledged, and not delivered again."""
        self._done = {id.encode() for id in position}

    def store(self, *, alarms: str | None = None, key: str | None = None) -> RedisStore:
        """
        The checkpoint in Redis, for `watch`.

        Parameters
        ----------
        alarms : str, optional
            A stream to which alarms are added: ``change`` (JSON), ``consumer`` and, of `KeyedDetectors`, ``key``.
        key : str, optional
            Where the state is kept, a hash. By default ``ncd:STREAM:GROUP:CONSUMER``.

        Returns
        -------
        Store
        """
        return RedisStore(self, alarms, key or f"ncd:{self.stream}:{self.group}:{self.consumer}")

    def close(self) -> None:
        """Close the connections; also at the end of a ``with`` block."""
        self.client.close()
        self.client.connection_pool.disconnect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def delivered(self, token: int) -> list[bytes]:
        """Ids of the messages up to a token that have not been acknowledged."""
        return [id for number, ids in self._batches if number <= token for id in ids]

    def forget(self, token: int) -> None:
        """Messages up to a token have been acknowledged."""
        while self._batches and self._batches[0][0] <= token:
            self._ids.difference_update(self._batches.popleft()[1])

    def persistently(self, action: Callable[[], _Answer], patience: float = 0.0) -> _Answer | None:
        """What a command answers, as soon as the server can be reached; None if it is time to stop before that."""
        import redis.exceptions as trouble

        wait, start = _FIRST_WAIT, time.monotonic()
        while True:
            try:
                answer = action()
            except (trouble.AuthenticationError, trouble.AuthorizationError):
                raise
            except (trouble.ConnectionError, trouble.TimeoutError, trouble.ReadOnlyError) as error:
                if wait == _FIRST_WAIT:
                    self._tell(f"the connection to Redis is lost ({error}): trying again")
                self._cursor = b"0"  # a batch may have been on its way
                if self._pause(wait) and time.monotonic() - start >= patience:
                    return None
                wait = min(2 * wait, _LONGEST_WAIT)
            else:
                if wait > _FIRST_WAIT:
                    self._tell(f"the connection to Redis is back after {time.monotonic() - start:.1f} seconds")
                return answer

    def _read(self) -> list[_Message]:
        """The next messages: own ones that are pending, those of dead consumers, new ones."""
        import redis.exceptions as trouble

        try:
            if self._cursor is not None:
                found = self._group_read(self._cursor)
                if found:
                    self._cursor = found[-1][0]
                    return found
                self._cursor = None
            return self._claimed() or self._group_read(b">")
        except trouble.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            self._make_group()
            return self._read()

    def _group_read(self, after: bytes) -> list[_Message]:
        """Messages of the group after an id; of new ones as soon as there are any."""
        block = round(self._block * 1000) or 1 if after == b">" else None
        found = self.client.xreadgroup(self.group, self.consumer, {self.stream: after}, count=self._count, block=block)
        if not found:
            return []
        messages = next(iter(found.values()))[0] if isinstance(found, dict) else found[0][1]
        return list(messages)

    def _claimed(self) -> list[_Message]:
        """Messages taken from consumers that have been silent for too long."""
        if self._take_over is None or time.monotonic() < self._next_claim:
            return []
        idle, cursor = round(self._take_over * 1000), None
        while cursor != b"0-0":
            found = self.client.xautoclaim(
                self.stream, self.group, self.consumer, idle, cursor or b"0-0", count=self._count
            )
            cursor, messages = found[0], [(id, fields) for id, fields in found[1] if id not in self._ids]
            if messages:
                said = f"{len(messages)} messages of consumers silent for {self._take_over:g} seconds are taken over"
                self._tell(said)
                return messages
        self._next_claim = time.monotonic() + self._take_over / 2
        return []

    def _make_group(self) -> None:
        """Make the group, and the stream if need be."""
        import redis.exceptions as trouble

        if self._token:
            self._tell(f"the group {self.group!r} of {self.stream!r} is gone: it is made again")
        try:
            self.client.xgroup_create(self.stream, self.group, id=self._start, mkstream=True)
        except trouble.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):  # another consumer was faster
                raise

    def _unit(self, id: bytes, fields: dict[bytes, bytes] | None) -> list[Any]:
        """The unit of a message, if it has one."""
        name = self._field.decode()
        if not fields:
            why = "has been deleted from the stream before it was read"
        elif self._field not in fields:
            why = f"has no field {name!r} (but {', '.join(repr(f.decode(errors='replace')) for f in fields)})"
        elif self._convert is None:
            return [fields[self._field]]
        else:
            try:
                return [self._convert(fields[self._field])]
            except ValueError as error:
                why = f"has a field {name!r} that cannot be converted ({error})"
        self.skipped += 1
        if self.skipped == 1:
            self._tell(f"message {id.decode()} of {self.stream!r} {why}: such messages are skipped, and counted")
        return []

    def _acknowledge(self, ids: Sequence[bytes]) -> None:
        """Tell Redis that messages need not be delivered again; at worst they are recognised."""
        for i in range(0, len(ids), AT_ONCE):
            part = ids[i : i + AT_ONCE]
            self.persistently(lambda part=part: self.client.xack(self.stream, self.group, *part))  # type: ignore[misc]
        self._done.difference_update(ids)

    def _pause(self, seconds: float) -> bool:
        """Wait; whether it is time to stop."""
        if isinstance(self._stop, Event) and not self._stop.is_set():
            return self._stop.wait(seconds)
        time.sleep(seconds)
        return self._stopped()

    def _tell(self, text: str) -> None:
        """Say what happened."""
        if self._say is not None:
            self._say(text)
        else:
            _log.warning("%s", text)


def _client(url_or_client: Any, block: float) -> Any:
    """A client whose connections report trouble at once: what must not be repeated is not."""
    try:
        import redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise MissingLibraryError.of("a source in Redis", "redis") from None
    if isinstance(url_or_client, str):
        url_or_client = redis.Redis.from_url(url_or_client)
    if not isinstance(url_or_client, redis.Redis):
        raise TypeError(
            f"url_or_client is {url_or_client!r:.80}: give a URL such as 'redis://localhost', or a redis.Redis"
        )
    pool = url_or_client.connection_pool
    options = pool.connection_kwargs | {"retry": Retry(NoBackoff(), 0), "decode_responses": False}
    options["socket_timeout"] = max(float(options.get("socket_timeout") or 10), block + 5)
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=pool.connection_class, **options))
