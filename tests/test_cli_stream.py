"""``ncd stream``: events the moment they are known, checkpoints, files that grow, keys, and what it refuses."""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from test_stream_detector import calm, storm

from ncd.cli import main
from ncd.cli.stream import _Session, add_arguments
from ncd.cli.watchers import NumberWatcher, StreamWatcher
from ncd.data import load_weblog
from ncd.streams import StreamDetector

pytestmark = pytest.mark.filterwarnings("ignore::ncd.exceptions.DependenceWarning")
LEARN = ("--learn", "100")


def run(capsys, *arguments) -> tuple[int, str, str]:
    code = main(["stream", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.fixture
def log(tmp_path) -> Path:
    path = tmp_path / "app.log"
    path.write_text("\n".join(calm(300) + storm(20)) + "\n")
    return path


def started(*arguments, **options) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "ncd", "stream", *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def line_within(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """A line of standard output, if one comes in time."""
    end = time.monotonic() + seconds
    data = b""
    while time.monotonic() < end and not data.endswith(b"\n"):
        if select.select([process.stdout], [], [], 0.1)[0]:
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                break
            data += piece
    return data


def test_events_are_those_of_the_detector(capsys, log):
    code, out, _ = run(capsys, log, *LEARN, "--json")
    assert code == 0
    expected = StreamDetector(reference=100).update_many(calm(300) + storm(20))
    (event,) = [json.loads(line) for line in out.splitlines()]
    assert event["event"] == "change"
    assert event["unit"] == expected[0].unit + 1
    assert event["start"] == expected[0].start + 1 == 301
    assert event["novel"][0]["text"] == expected[0].novel[0].shown
    code, out, _ = run(capsys, log, *LEARN)
    assert out.startswith("change at line 301")
    assert out.count("\n") == 1
    assert "out of memory" in out


def test_the_log_that_is_shipped(capsys, tmp_path):
    log = load_weblog()
    path = tmp_path / "access.log"
    path.write_text("\n".join(log.lines) + "\n")
    _, out, err = run(capsys, path, "--learn", 400, "--arl", 1e5)
    (event,) = out.splitlines()
    assert event.startswith(f"change at line {log.change + 1:,} ")
    assert "zgrab" in event
    assert "depend on each other" in err  # readers go from page to page


def test_an_event_comes_at_once_and_ctrl_c_is_clean(tmp_path):
    checkpoint = tmp_path / "state"
    process = started("--learn", 100, "--checkpoint", checkpoint, "--json")
    try:
        process.stdin.write(("\n".join(calm(300) + storm(20)) + "\n").encode())
        process.stdin.flush()
        event = json.loads(line_within(process, 60))
        assert event["start"] == 301
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err.decode().splitlines() == ["ncd: error: interrupted"]
    assert checkpoint.exists()


def test_killed_and_taken_up_again(tmp_path):
    log, checkpoint = tmp_path / "app.log", tmp_path / "state"
    lines = calm(1_500) + storm(300) + calm(300, 1)
    log.write_text("")
    expected = [
        (change.start + 1, change.unit + 1)
        for change in StreamDetector(reference=100, arl=1e6).update_many(lines)
    ]  # fmt: skip
    assert len(expected) >= 2
    found: list[tuple[int, int]] = []
    parts = (lines[:1_300], signal.SIGTERM), (lines[1_300:1_700], signal.SIGKILL), (lines[1_700:], signal.SIGINT)
    for part, number in parts:
        with log.open("a") as file:
            file.write("\n".join(part) + "\n")
        process = started(
            log, "--follow", "--learn", 100, "--arl", 1e6, "--checkpoint", checkpoint, "--json", "--quiet"
        )
        try:
            data = b""
            end = time.monotonic() + 60
            wanted = {signal.SIGTERM: 0, signal.SIGKILL: 1, signal.SIGINT: len(expected)}[number]
            while time.monotonic() < end and len(set(found)) + data.count(b"\n") < wanted:
                data += line_within(process, 1)
            if number == signal.SIGTERM:
                time.sleep(3)
            process.send_signal(number)
            rest, err = process.communicate(timeout=60)
        finally:
            process.kill()
        assert process.returncode == {signal.SIGTERM: 143, signal.SIGKILL: -9, signal.SIGINT: 130}[number], err
        found += [(e["start"], e["unit"]) for e in map(json.loads, (data + rest).splitlines())]
    # None is lost; one that was printed just before the kill may be printed again, with the same numbers.
    assert sorted(set(found)) == expected


def test_numbers(capsys, tmp_path):
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(size=400), rng.normal(5, size=50)])
    path = tmp_path / "values.csv"
    rows = [f"{value:.4f},{value * 2 + rng.normal():.4f}" for value in values]
    rows.insert(200, "not a number,1")
    rows.insert(100, "nan,1")
    path.write_text("\n".join(rows))
    code, out, err = run(capsys, path, "--numbers", "--arl", 1e6)
    assert code == 0
    (event,) = out.splitlines()
    assert event.startswith("change at row ")
    assert abs(int(event.split()[3].rstrip(",")) - 401) <= 5
    assert "line 101 is no row of numbers: 'nan,1'" in err
    assert "line 202 is no row of numbers" in err


def test_bad_rows_at_any_place_are_left_out(capsys):
    watcher = NumberWatcher(StreamDetector(unit="items"))
    watcher.feed(b"1,2\n3;4\n")
    other = NumberWatcher(StreamDetector(unit="items"))
    other.restore(watcher.state())
    for data in (b"5 6 7\n", b"1e200,1\n", b"inf,1\n", b"5\t6\n", b"\n"):
        assert other.feed(data) == []
    assert other.n_units == 3
    err = capsys.readouterr().err
    assert "line 3 has 3 numbers, rows before it 2: '5 6 7'; left out" in err
    assert "line 4 has a number beyond 1e+150: '1e200,1'" in err
    assert "line 7 is no row of numbers: ''" in err


def test_a_reference_of_numbers(capsys, tmp_path):
    rng = np.random.default_rng(0)
    stream, reference = tmp_path / "values.csv", tmp_path / "usual.csv"
    stream.write_text("\n".join(f"{value:.4f};1" for value in rng.normal(6, size=60)))
    reference.write_text("a;b\n" + "\n".join(f"{value:.4f}; {rng.normal()}" for value in rng.normal(size=200)))
    code, _, err = run(capsys, stream, "--numbers", "--reference", reference)
    assert code == 2
    assert f"--reference {reference}: line 1 is no row of numbers: 'a;b'; remove it" in err
    reference.write_text(reference.read_text().removeprefix("a;b"))
    code, out, _ = run(capsys, stream, "--numbers", "--reference", reference)
    assert code == 0
    assert out.startswith("change at row 1,")


def test_keys(capsys, tmp_path):
    lines = [json.dumps({"user": name, "text": text}) for i in range(260) for name, text in (
        ("ann", calm(260)[i]), ("bob", (calm(200, 1) + storm(60))[i]),
    )]  # fmt: skip
    lines.append('{"text": "nobody"}')
    path = tmp_path / "chat.jsonl"
    path.write_text("\n".join(lines) + "\n")
    _, out, _ = run(capsys, path, "--key", "user", *LEARN, "--json")
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["key"] for event in events] == ["bob"]
    assert abs(events[0]["start"] - 201) <= 2
    code, out, _ = run(capsys, path, "--key", r'"user": "(\w+)"', *LEARN)
    assert out.startswith("bob: change at line 20")
    assert " of its own, known at " in out
    _, out, _ = run(capsys, path, "--key", "user", "--block", 2, "--learn", 50)
    assert out.startswith("bob: change at block 10")
    checkpoint = tmp_path / "state"
    assert run(capsys, path, "--key", "user", *LEARN, "--checkpoint", checkpoint)[0] == 0
    code, _, err = run(capsys, path, *LEARN, "--checkpoint", checkpoint)
    assert code == 2
    assert "other options" in err


def test_a_reference_from_a_file(capsys, tmp_path, log):
    reference = tmp_path / "usual.log"
    reference.write_text("\n".join(calm(400, 2)))
    _, out, _ = run(capsys, log, "--reference", reference, "--keep")
    assert out.count("\n") >= 2
    assert abs(int(out.split()[3]) - 301) <= 5
    reference.write_text("too short\n")
    code, _, err = run(capsys, log, "--reference", reference)
    assert code == 2
    assert "reference has 1 units: at least" in err


def test_any_bytes_and_long_lines(capsys, tmp_path):
    path = tmp_path / "any.log"
    rng = np.random.default_rng(0)
    noise = rng.bytes(10 << 20).replace(b"\n", b"-")
    path.write_bytes("\n".join(calm(200)).encode() + b"\n" + noise + b"\n\n\xff\xfe\n")
    code, out, err = run(capsys, path, *LEARN, "--json")
    assert code == 0, err
    assert all(json.loads(line)["start"] >= 200 for line in out.splitlines())


def test_says_when_nothing_could_be_judged(capsys, tmp_path):
    path = tmp_path / "short.log"
    path.write_text("one line\n")
    code, out, err = run(capsys, path)
    assert code == 0
    assert out == ""
    assert "ended after 1 units: the reference was not complete" in err


def test_says_when_nobody_reads(tmp_path, log):
    process = started("--learn", 100, "--keep", "--arl", 2, "--json")
    try:
        data = ("\n".join(calm(150) + storm(400)) + "\n").encode()
        process.stdin.write(data)
        process.stdin.close()
        warned = process.stderr.readline()
        assert b"nobody reads standard output" in warned
        process.stdin = None
        out, _ = process.communicate(timeout=60)
        assert out.count(b"\n") > 150
    finally:
        process.kill()


def test_ctrl_c_when_nobody_reads(tmp_path):
    log, checkpoint = tmp_path / "app.log", tmp_path / "state"
    log.write_text("\n".join(calm(150) + storm(400)) + "\n")
    arguments = (log, "--follow", "--learn", 100, "--keep", "--arl", 2, "--json", "--checkpoint", checkpoint)
    process = started(*arguments)
    try:
        assert b"nobody reads standard output" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130
        assert b"it will be found again from the checkpoint" in process.stderr.read()
        assert not checkpoint.exists()
    finally:
        process.kill()
        process.communicate()


def test_checkpoints_are_not_written_all_the_time(tmp_path, monkeypatch, capsys):
    class Always(StreamWatcher):
        def feed(self, data):
            return [(None, change)]

    change = StreamDetector(reference=100).update_many(calm(300) + storm(20))[0]
    now, saves = [0.0], []
    monkeypatch.setattr("ncd.cli.stream.time.monotonic", lambda: now[0])

    def slow(*_, **__):
        saves.append(now[0])
        now[0] += 0.5

    monkeypatch.setattr("ncd.streams.checkpoint.write_checkpoint", slow)
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    session = _Session(Always(StreamDetector()), parser.parse_args(["--checkpoint", str(tmp_path / "state")]), None)
    while now[0] < 30:
        session.take(b"x", None)
        now[0] += 0.25
    assert capsys.readouterr().out.count("change at line") > 50
    assert saves[0] == 0
    assert np.diff(saves).min() >= 5
    assert np.diff(saves).max() <= 6


def test_says_that_it_waits_for_a_file(tmp_path):
    process = started(tmp_path / "later.log", "--follow")
    try:
        assert b"later.log does not exist yet: waiting for it" in process.stderr.readline()
    finally:
        process.kill()
        process.communicate()


def test_a_reader_that_goes_away(log):
    process = started(log, "--learn", 100, "--keep", "--arl", 2)
    process.stdout.close()
    assert process.wait(timeout=60) in (0, 1)
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    process.stdin.close()


def test_a_damaged_checkpoint_is_refused(capsys, tmp_path, log):
    checkpoint = tmp_path / "state"
    assert run(capsys, log, *LEARN, "--checkpoint", checkpoint)[0] == 0
    checkpoint.write_bytes(checkpoint.read_bytes()[:-3])
    code, _, err = run(capsys, log, *LEARN, "--checkpoint", checkpoint)
    assert code == 2
    assert "state" in err
    assert run(capsys, log, *LEARN, "--checkpoint", tmp_path / "no" / "folder")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--arl", 5, "--alpha", 0.1], "give one of them"),
        (["--arl", 0], "arl is 0"),
        (["--follow"], "--follow needs"),
        (["x", "--from-end"], "--from-end has no use"),
        (["--max-keys", 5], "--max-keys has no use"),
        (["--numbers", "--key", "x"], "--key has no use"),
        (["--numbers", "--unit", "bytes"], "--unit has no use"),
        (["--key", "x", "--unit", "chars"], "--key is of lines"),
        (["--key", "a b"], "--key a b"),
        (["--key", "(["], "not a regular expression"),
        (["--key", "(?:x)"], "parentheses"),
        (["--compressor", "none"], "none"),
        (["--learn", 10], "--learn is 10: give 40 or more"),
        (["--checkpoint", "/nowhere/state"], "the folder /nowhere does not exist"),
        (["--learn", 100, "--reference", "x"], "give one of them"),
        (["/nowhere/at/all"], "No such file"),
        (["."], "is a folder"),
    ],
)
def test_refusals(capsys, arguments, message):
    code, _, err = run(capsys, *arguments)
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_vectors_are_measured_in_their_own_unit(capsys, tmp_path):
    pytest.importorskip("gensim")
    calm_words, storm_words = ("all is well today", "nothing to see here"), ("fire burns down", "flames rise up")
    rng = np.random.default_rng(0)
    words = sorted({word for line in calm_words + storm_words for word in line.split()})
    side = {word: float(any(word in line.split() for line in storm_words)) for word in words}
    rows = [f"{word} " + " ".join(f"{x:.3f}" for x in (rng.normal(size=6) + 9 * side[word])) for word in words]
    (tmp_path / "vectors.txt").write_text("\n".join([f"{len(words)} 6", *rows]))
    lines = [
        " ".join(rng.permutation(" ".join(texts).split())[: rng.integers(2, 6)])
        for texts, n in ((calm_words, 300), (storm_words, 60))
        for _ in range(n)
    ]
    (tmp_path / "lines.txt").write_text("\n".join(lines) + "\n")
    embedder = ("--embedder", f"word2vec:{tmp_path / 'vectors.txt'}")
    code, out, _ = run(capsys, tmp_path / "lines.txt", *LEARN, *embedder, "--keep")
    assert code == 0
    assert "change at line" in out
    assert "cosine distance" in out
    assert "bits" not in out
    code, out, _ = run(capsys, tmp_path / "lines.txt", *LEARN, *embedder, "--keep", "--json")
    found = json.loads(out.splitlines()[0])
    assert found["measured_in"] == "cosine distance"
    assert found["start"] == pytest.approx(301, abs=10)
    for wrong in (("--compressor", "ngram"), ("--allow-download",)):
        code, _, err = run(capsys, tmp_path / "lines.txt", *embedder, *wrong)
        assert code == 2
        assert wrong[0] in err
