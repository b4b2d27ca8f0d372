"""A checkpoint in Redis: the detector's state, its alarms and the acknowledgement of messages in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ncd.streams.base import State
from ncd.streams.checkpoint import pack, unpack

if TYPE_CHECKING:
    from ncd.streams.redis_source import RedisSource

__all__ = ["AT_ONCE", "RedisStateError", "RedisStore"]

#: Messages acknowledged by one command.
AT_ONCE = 1000

_PATIENCE = 5.0  # seconds for which a last transaction is tried although it is time to stop
_LARGEST = 512 << 20  # bytes that Redis takes as one value


class RedisStateError(RuntimeError):
    """The state in Redis is no longer the one that this process wrote: it must not go on, but start again from it."""


class RedisStore:
    """The checkpoint of a `RedisSource`, made by its `store`: state, alarms and acknowledgement in one transaction."""

    def __init__(self, source: RedisSource, alarms: str | None, key: str) -> None:
        self._source, self._alarms, self._key = source, alarms, key
        self._epoch = self._number = 0

    def load(self) -> State | None:
        """The last state; other processes that hold it can no longer write."""
        found = self._source.persistently(self._take_hold)
        if found is None:
            raise RedisStateError(f"stopped before the state {self._key!r} could be read")
        self._epoch, number, data = found
        self._number = int(number or 0)
        return None if data is None else unpack(data, kind="watch", title=f"the state {self._key!r} in Redis")

    def save(self, state: State, changes: Sequence[Any], token: Any) -> None:
        """One transaction; once, however often the connection breaks."""
        data = pack(state, kind="watch")
        if len(data) > _LARGEST:
            raise ValueError(
                f"the state has {len(data):,} bytes, and Redis takes {_LARGEST:,}: use a file as checkpoint"
            )
        if self._source.persistently(lambda: self._commit(data, changes, token), _PATIENCE) is None:
            raise RedisStateError(f"stopped before the state {self._key!r} could be written; nothing is acknowledged")
        self._number += 1
        self._source.forget(token)

    def _take_hold(self) -> tuple[int, bytes | None, bytes | None]:
        """A new epoch; the number of the last transaction, and its state."""
        kind = b"none" if self._alarms is None else self._source.client.type(self._alarms)
        if kind not in (b"none", b"stream"):  # a transaction would go on without them
            raise ValueError(
                f"alarms is {self._alarms!r}, which is a {kind.decode()} in Redis: give the name of a stream"
            )
        with self._source.client.pipeline(transaction=True) as pipe:
            pipe.hincrby(self._key, "epoch", 1)
            pipe.hmget(self._key, "number", "state")
            epoch, (number, data) = pipe.execute()
        return epoch, number, data

    def _commit(self, data: bytes, changes: Sequence[Any], token: Any) -> bool:
        """Write everything, unless that has been done."""
        import redis.exceptions as trouble

        try:
            self._transact(data, changes, token)
        except trouble.WatchError as error:  # changed in between, or the connection broke: look again
            raise trouble.ConnectionError(str(error)) from error
        return True

    def _transact(self, data: bytes, changes: Sequence[Any], token: Any) -> None:
        """One attempt."""
        with self._source.client.pipeline(transaction=True) as pipe:
            pipe.watch(self._key)
            epoch, number = (int(value or 0) for value in pipe.hmget(self._key, "epoch", "number"))
            if epoch == self._epoch and number == self._number + 1:
                return  # only the answer was lost
            if epoch != self._epoch or number != self._number:
                raise RedisStateError(
                    f"the state {self._key!r} in Redis is not the one that this process wrote (epoch {epoch} and "
                    f"number {number}, not {self._epoch} and {self._number}): "
                    + (
                        "another process runs as this consumer; give each a name of its own"
                        if epoch > self._epoch
                        else "Redis was set back; start again, to go on from there"
                    )
                )
            pipe.multi()
            pipe.hset(self._key, mapping={"state": data, "number": self._number + 1})
            for change in changes if self._alarms is not None else ():
                pipe.xadd(self._alarms, {**_alarm(change), "consumer": self._source.consumer})
            ids = self._source.delivered(token)
            for i in range(0, len(ids), AT_ONCE):
                pipe.xack(self._source.stream, self._source.group, *ids[i : i + AT_ONCE])
            pipe.execute()


def _alarm(change: Any) -> dict[str, str | bytes]:
    """Fields of the message that reports a change."""
    key: str | None = None
    if isinstance(change, tuple) and len(change) == 2:
        key, change = change
    if hasattr(change, "to_dict"):
        change = change.to_dict()
    fields: dict[str, str | bytes] = {"change": json.dumps(change, ensure_ascii=True, default=str)}
    if key is not None:
        fields["key"] = key.encode("utf-8", "surrogateescape")
    return fields
