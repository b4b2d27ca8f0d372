"""Matrices that do not fit in memory are refused before anything is computed."""

from unittest import mock

import numpy as np
import pytest
from support import Slow

import ncd
from ncd import memory

MEMINFO = "MemTotal: 64000 kB\nMemAvailable:   2000 kB\nSwapTotal: 9 kB\nSwapFree:    48 kB\n"


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A system of 2,048 kilobytes, whose files may be changed."""
    (tmp_path / "self").mkdir()
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "self" / "cgroup").write_text("1:name=systemd:/x\n0::/one/two\n")
    (tmp_path / "one" / "two").mkdir(parents=True)
    monkeypatch.setattr(memory, "_PROC", tmp_path)
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path)
    return tmp_path


def limit(group, most, used, cached):
    (group / "memory.max").write_text(f"{most}\n")
    (group / "memory.current").write_text(f"{used}\n")
    (group / "memory.stat").write_text(f"anon 1\ninactive_file {cached}\nactive_file 3\n")


def test_what_the_system_says(system):
    assert memory.available() == 2048 * 1024


@pytest.mark.parametrize("group", ["one/two", "one", "."])
def test_a_container_has_less(system, group):
    limit(system / "one" / "two", "max", 0, 0)
    limit(system / group, 900_000, 500_000, 100_000)
    assert memory.available() == 500_000
    limit(system / group, 900_000, 990_000, 0)
    assert memory.available() == 0
    limit(system / group, 10**12, 0, 0)
    assert memory.available() == 2048 * 1024


def test_control_groups_of_version_1(system):
    (system / "self" / "cgroup").write_text("9:cpu,memory:/three\n")
    group = system / "memory" / "three"
    group.mkdir(parents=True)
    (group / "memory.limit_in_bytes").write_text("9000")
    (group / "memory.usage_in_bytes").write_text("5000")
    (group / "memory.stat").write_text("inactive_file 70\ntotal_inactive_file 80\n")
    assert memory.available() == 4080


def test_elsewhere(system):
    (system / "meminfo").unlink()
    (system / "self" / "cgroup").unlink()
    with mock.patch.object(memory.os, "sysconf", {"SC_PHYS_PAGES": 10, "SC_PAGE_SIZE": 7}.__getitem__, create=True):
        assert memory.available() == 70
    with mock.patch.object(memory.os, "sysconf", side_effect=ValueError, create=True):
        assert memory.available() is None


def test_here():
    assert memory.available() > 1 << 20


def test_before_anything_is_computed(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1 << 30)
    monkeypatch.setattr(memory, "_SMALL", 0)
    slow = Slow()
    X = [b"x"] * 20_000
    with pytest.raises(
        MemoryError, match=r"20,000 x 20,000 float64 numbers takes 3\.2 GB of 1\.1 GB available: .* out=\"PATH\.npy\""
    ):
        ncd.pairwise(X, compressor=slow)
    with pytest.raises(MemoryError, match=r"give X in parts, or use pairwise\(out=PATH\)"):
        ncd.joint_lengths(X, compressor=slow)
    with pytest.raises(MemoryError, match=r"float64 numbers takes 3\.2 GB"):
        ncd.conditional_lengths(X, X, compressor=slow, joint="concat")
    assert slow.calls == 0
    assert memory.new_matrix((4, 5), np.float32, "").shape == (4, 5)


@pytest.mark.parametrize("room", [None, 1 << 90])
def test_more_than_there_are_addresses(monkeypatch, room):
    monkeypatch.setattr(memory, "available", lambda: room)
    with pytest.raises(MemoryError, match="or less"):
        memory.new_matrix((1 << 40, 1 << 40), np.float64, "or less")
