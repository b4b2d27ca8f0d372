"""Redis Streams, with a real server: nothing is lost and nothing comes twice, whatever is killed."""

import ast
import json
import logging
import random
import shutil
import socket
import subprocess
import threading
import time

import pytest
from stream_toys import Chain, chained
from support import finish, killed, wait_until

from ncd.streams.keyed import KeyedDetectors
from ncd.streams.sources import watch

redis = pytest.importorskip("redis")
from ncd.streams.redis_source import RedisSource  # noqa: E402
from ncd.streams.redis_store import RedisStateError  # noqa: E402

BINARY = shutil.which("redis-server")
pytestmark = pytest.mark.skipif(BINARY is None, reason="there is no redis-server")


class Server:
    """A redis-server of its own, which writes every command to the disk."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self):
        options = f"--port {self.port} --bind 127.0.0.1 --dir {self.folder} --appendonly yes --appendfsync always"
        self.process = subprocess.Popen(
            [BINARY, *options.split(), "--save", ""], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self.answers)

    def answers(self):
        try:
            with redis.Redis(port=self.port) as client:
                return client.ping()
        except redis.RedisError:
            return False

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("redis"))
    yield running
    running.kill()


@pytest.fixture
def client(server):
    with redis.Redis.from_url(server.url) as client:
        client.flushall()
        yield client


@pytest.fixture(autouse=True)
def closing(monkeypatch):
    """All sources that a test makes are closed after it."""
    made, make = [], RedisSource.__init__

    def noting(self, *arguments, **options):
        make(self, *arguments, **options)
        made.append(self)

    monkeypatch.setattr(RedisSource, "__init__", noting)
    yield
    for source in made:
        source.close()


UNITS = [b"unit %d \xff\x00" % number for number in range(1500)]


def add(client, units, field="text"):
    with client.pipeline() as pipe:
        for unit in units:
            pipe.xadd("in", {field: unit})
        pipe.execute()


def pending(client):
    return client.xpending("in", "g")["pending"]


def alarms(client, name="alarms"):
    return [json.loads(fields[b"change"]) for _, fields in client.xrange(name)]


def source_of(server, *, messages=None, **options):
    """A source that stops when there is nothing more; or after so many messages."""
    stop = threading.Event()
    made = RedisSource(server.url, "in", group="g", consumer="c", block=0.02, stop=stop, **options)

    class Ending:
        position, seek, acknowledge, store = made.position, made.seek, made.acknowledge, made.store
        inner = made

        def __iter__(self):
            taken = 0
            for token, units in made:
                taken += len(units)
                yield token, units
                if not units or (messages is not None and taken >= messages):
                    stop.set()

    return Ending()


def test_messages_become_units_and_alarms_are_added(server, client):
    add(client, UNITS)
    source, detector = source_of(server), Chain()
    found = list(watch(source, detector, checkpoint=source.store(alarms="alarms")))
    assert found == alarms(client) == chained(UNITS)
    assert len(found) > 30
    assert detector.n_units == len(UNITS)
    assert pending(client) == 0
    assert {fields[b"consumer"] for _, fields in client.xrange("alarms")} == {b"c"}


CONSUMER = """
from stream_toys import Chain
from ncd.streams.redis_source import RedisSource
from ncd.streams.sources import watch
source = RedisSource(URL, "in", group="g", consumer="c", count=7, block=0.01)
store = source.store(alarms="alarms") if FILE is None else FILE
print("ready", flush=True)
for change in watch(source, Chain(), checkpoint=store, every=0.003):
    print(change, flush=True)
"""


def consumer(python, server, file=None):
    started = python(f"URL, FILE = {server.url!r}, {file!r}" + CONSUMER)
    assert started.stdout.readline() == "ready\n"
    return started


def kill_at_random(python, server, client, seed, file=None):
    """Kill the consumer again and again, until it has taken all units; what was printed."""
    chance, printed = random.Random(seed), ""
    add(client, UNITS[:300])
    for part in range(300, len(UNITS), 200):
        process = consumer(python, server, file)
        time.sleep(chance.uniform(0, 0.1))
        add(client, UNITS[part : part + 200])
        time.sleep(chance.uniform(0, 0.05))
        printed += killed(process)
    process = consumer(python, server, file)

    def is_done():
        (group,) = client.xinfo_groups("in")
        return group["lag"] == 0 and group["pending"] == 0

    wait_until(is_done)
    return printed + killed(process)


def test_a_killed_consumer_loses_no_message_and_repeats_no_alarm(python, server, client):
    kill_at_random(python, server, client, seed=1)
    assert alarms(client) == chained(UNITS)
    assert pending(client) == 0


def test_with_a_file_messages_are_counted_once_too(python, server, client, tmp_path):
    printed = kill_at_random(python, server, client, 2, str(tmp_path / "checkpoint"))
    found = [ast.literal_eval(line) for line in printed.splitlines()]
    once = {change["unit"]: change for change in found}
    assert [once[unit] for unit in sorted(once)] == chained(UNITS)
    assert pending(client) == 0


def test_after_a_crash_between_checkpoint_and_acknowledgement(server, client, tmp_path):
    add(client, UNITS[:100])
    source = source_of(server, messages=40, count=10)
    source.acknowledge = lambda token: None  # killed just before
    first = list(watch(source, Chain(), checkpoint=tmp_path / "c"))
    assert pending(client) == 40
    detector = Chain()
    second = list(watch(source_of(server, count=10), detector, checkpoint=tmp_path / "c"))
    assert first + second == chained(UNITS[:100])
    assert detector.n_units == 100
    assert pending(client) == 0


def test_redis_may_be_killed_too(server, client, caplog):
    """The server is killed and started again while a consumer works, and while it writes."""
    add(client, UNITS)
    done, errors, detector = threading.Event(), [], Chain()

    def consume():
        try:
            source = RedisSource(server.url, "in", group="g", consumer="c", count=20, block=0.02, stop=done)
            for _ in watch(source, detector, checkpoint=source.store(alarms="alarms"), every=0):
                time.sleep(0.001)
        except Exception as error:
            errors.append(error)

    with caplog.at_level(logging.WARNING, "ncd.streams"):
        thread = threading.Thread(target=consume)
        thread.start()
        for pause in (0.03, 0.06, 0.04):
            time.sleep(pause)
            server.kill()
            time.sleep(0.1)
            server.start()
        wait_until(lambda: errors or detector.n_units == len(UNITS))
        done.set()
        thread.join(10)
    assert not errors
    assert alarms(client) == chained(UNITS)
    assert pending(client) == 0
    assert any("the connection to Redis is lost" in message for message in caplog.messages)
    assert any("the connection to Redis is back after" in message for message in caplog.messages)


def test_a_lost_answer_does_not_repeat_a_transaction(server, client):
    """The transaction is in Redis, and the connection breaks before its answer comes."""
    add(client, UNITS[:200])
    said = []
    source = source_of(server, say=said.append)
    store = source.store(alarms="alarms")
    commit, lost = store._commit, []

    def losing(*arguments):
        answer = commit(*arguments)
        if not lost:
            lost.append(answer)
            raise redis.ConnectionError("the answer is lost")
        return answer

    store._commit = losing
    list(watch(source, Chain(), checkpoint=store))
    assert lost == [True]
    assert alarms(client) == chained(UNITS[:200])
    assert client.hget("ncd:in:g:c", "number") == b"1"
    assert said[0] == "the connection to Redis is lost (the answer is lost): trying again"


def test_a_second_process_of_the_same_name_ends_the_first(server, client):
    add(client, UNITS[:50])
    first, second = source_of(server), source_of(server)
    store = first.store(alarms="alarms")
    store.load()
    second.store().load()
    with pytest.raises(RedisStateError, match="another process runs as this consumer"):
        store.save({}, [{"unit": 1}], 0)
    assert not client.exists("alarms")


def test_a_server_that_was_set_back_is_noticed(server, client):
    source = source_of(server)
    store = source.store()
    store.load()
    store.save({}, [], 0)
    client.flushall()
    with pytest.raises(RedisStateError, match="Redis was set back; start again"):
        store.save({}, [], 0)


def test_messages_without_a_unit_are_skipped_and_said(server, client):
    client.xadd("in", {"other": "x"})
    add(client, [b"1.5"])
    client.xadd("in", {"text": "no number"})
    add(client, [b"2.5"])
    said = []
    source = source_of(server, convert=float, say=said.append)
    assert [unit for _, units in source for unit in units] == [1.5, 2.5]
    assert source.inner.skipped == 2
    first = client.xrange("in")[0][0].decode()
    assert said == [
        f"message {first} of 'in' has no field 'text' (but 'other'): such messages are skipped, and counted"
    ]
    source.acknowledge(10**6)
    assert pending(client) == 0


def test_deleted_messages_are_skipped(server, client):
    add(client, UNITS[:3])
    assert [len(units) for _, units in source_of(server)] == [3, 0]  # delivered, never acknowledged
    client.xdel("in", client.xrange("in")[1][0])
    said = []
    source = source_of(server, say=said.append)
    assert next(units for _, units in source) == [UNITS[0], UNITS[2]]
    assert "has been deleted from the stream" in said[0]


def test_messages_of_a_dead_consumer_are_taken_over(server, client):
    add(client, UNITS[:30])
    client.xgroup_create("in", "g", id="0")
    client.xreadgroup("g", "dead", {"in": ">"}, count=12)
    assert client.xpending("in", "g")["consumers"] == [{"name": b"dead", "pending": 12}]
    time.sleep(0.06)
    said = []
    source = source_of(server, take_over=0.05, count=5, say=said.append)
    units = [unit for _, batch in source for unit in batch]
    assert sorted(units) == sorted(UNITS[:30])
    assert said[0] == "5 messages of consumers silent for 0.05 seconds are taken over"
    source.acknowledge(10**6)
    assert pending(client) == 0


def test_where_a_new_group_begins(server, client):
    add(client, UNITS[:5])
    source = source_of(server, start="$")
    assert [units for _, units in source] == [[]]
    add(client, UNITS[5:7])
    assert [unit for _, units in source_of(server) for unit in units] == UNITS[5:7]


def test_a_group_that_is_gone_is_made_again(server, client):
    add(client, UNITS[:2])
    said, seen = [], []
    source = RedisSource(server.url, "in", group="g", consumer="c", block=0.02, say=said.append)
    for _, units in source:
        seen += units
        if len(seen) == 2 and not said:
            client.delete("in")
            add(client, UNITS[2:4])
        if len(seen) == 4:
            break
    assert seen == UNITS[:4]
    assert said == ["the group 'g' of 'in' is gone: it is made again"]


def test_keys_and_clients(server, client):
    add(client, [b"a:%d" % number if number % 3 else b"\xff:%d" % number for number in range(200)])
    decoding = redis.Redis.from_url(server.url, decode_responses=True)
    stop = threading.Event()
    source = RedisSource(decoding, "in", group="g", consumer="c", block=0.02, stop=stop)
    keyed = KeyedDetectors(Chain)
    threading.Timer(0.3, stop.set).start()
    found = list(watch(source, keyed, key=lambda unit: unit[:1], checkpoint=source.store(alarms="alarms")))
    decoding.close()
    assert [keyed[key].n_units for key in keyed] == [67, 133]
    assert {fields[b"key"] for _, fields in client.xrange("alarms")} == {b"a", b"\xff"}
    assert len(found) == client.xlen("alarms") > 2


def test_other_errors_are_raised(server, client):
    client.set("in", 1)
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        next(iter(source_of(server)))
    source = source_of(server)
    with pytest.raises(ValueError, match="alarms is 'in', which is a string in Redis"):
        source.store(alarms="in").load()
    with pytest.raises(TypeError, match="url_or_client is 3: give a URL"):
        RedisSource(3, "in", group="g", consumer="c")
    with pytest.raises(ValueError, match="count is 0"):
        source_of(server, count=0)


def test_stops_while_the_server_is_away(caplog):
    stop, said = threading.Event(), []
    source = RedisSource("redis://127.0.0.1:1", "in", group="g", consumer="c", stop=stop, say=said.append)
    threading.Timer(0.2, stop.set).start()
    assert list(source) == []
    assert len(said) == 1
    assert said[0].startswith("the connection to Redis is lost")
    with pytest.raises(RedisStateError, match="stopped before the state"):
        source.store().load()


def test_without_the_library(python, tmp_path):
    (tmp_path / "redis.py").write_text("raise ImportError")
    code = """
from ncd.exceptions import MissingLibraryError
from ncd.streams.redis_source import RedisSource
try:
    RedisSource("redis://localhost", "in", group="g", consumer="c")
except MissingLibraryError as error:
    print(error)
"""
    said = finish(python(code, path=[tmp_path]))
    assert said == "a source in Redis needs a library that is not installed: pip install 'ncd[redis]'\n"
