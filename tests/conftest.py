"""Fixtures that all tests share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from support import make_text

collect_ignore = ["plugin"]  # a package of its own, installed by a test

settings.register_profile("ncd", deadline=None, print_blob=True)
settings.load_profile("ncd")


@pytest.fixture(scope="session")
def texts():
    """Twelve short texts, two of them equal, sizes from 1 byte to a few hundred."""
    made = [make_text(seed, 5 + 6 * seed).encode() for seed in range(9)]
    return [*made, made[3], b"x", bytes(range(256))]


@pytest.fixture
def registry():
    """The registry module; what a test registers is gone afterwards."""
    from ncd.compressors import registry

    before = dict(registry._registered)
    yield registry
    registry._registered.clear()
    registry._registered.update(before)


@pytest.fixture
def python():
    """Start Python in a process of its own; it sees the tests' modules."""
    running = []

    def start(code, *, path=(), **options):
        search = [*map(str, path), str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, search))}
        process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            **options,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()
