"""
The CUDA engine without a card: exact in Numba's simulator, compiled to PTX, and clear about what is missing.

Set NCD_CUDA=1 to run the simulator's checks on a real card instead.
"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import finish

import ncd
from ncd.engines import cuda
from ncd.exceptions import MissingLibraryError

HERE = Path(__file__).parent
XS, YS = [b"to be or not to be"] * 3, [b"that is the question", b"or not"]


def begin(arguments, **variables):
    """A fresh interpreter at work."""
    path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=os.environ | {"PYTHONPATH": path} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def in_new_process(arguments, **variables):
    """What a fresh interpreter prints."""
    return finish(begin(arguments, **variables), timeout=300)


@pytest.fixture(scope="module")
def checks():
    """Wrong and all cases of every check."""
    card = os.environ.get("NCD_CUDA") == "1"
    output = in_new_process([str(HERE / "cuda_checks.py")], NUMBA_ENABLE_CUDASIM="0" if card else "1")
    return json.loads(output.splitlines()[-1])


@pytest.mark.parametrize(("name", "least"), [("kinds", 700), ("tiles", 900), ("run", 30), ("nearest", 36)])
def test_results_are_those_of_the_cpu(checks, name, least):
    wrong, cases = checks[name]
    assert wrong == 0
    assert cases >= least


CAPABILITIES = ["8.0", "9.0"]


@pytest.fixture(scope="module")
def compilers():
    """Processes that compile the kernels, side by side."""
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip("numba-cuda is not installed: pip install 'ncd[cuda12]'")
    running = {name: begin([str(HERE / "cuda_ptx.py"), name], NUMBA_ENABLE_CUDASIM="0") for name in CAPABILITIES}
    yield running
    for process in running.values():
        if process.returncode is None:  # nobody has asked
            process.kill()
            process.communicate()


@pytest.mark.parametrize("capability", CAPABILITIES)
def test_kernels_compile_for_a_card(capability, compilers):
    report = json.loads(finish(compilers[capability], timeout=300).splitlines()[-1])
    if "skipped" in report:
        pytest.skip(report["skipped"])
    assert set(report) == {"parse_short", "parse_long", "cost", "cost_crowded", "nearest"}
    for name, kernel in report.items():
        assert kernel["entry"], f"{name} is no kernel"
        assert kernel.get("spilled", 0) == 0, f"{name} moves registers to memory: {kernel}"
        assert kernel.get("registers", 0) <= 128, f"{name}: {kernel}"


# errors


def test_without_numba_cuda(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.delenv("NUMBA_ENABLE_CUDASIM", raising=False)
    assert "pip install 'ncd[cuda12]'" in cuda.why_not()
    assert not cuda.available()
    assert cuda.devices() == []
    for call in (
        lambda: list(cuda.joint_lengths_blocks(XS, YS)),
        lambda: cuda.top_k(XS, YS, 1, metric="ncd", lx=np.ones(3, int), ly=np.ones(2, int)),
    ):
        with pytest.raises(MissingLibraryError, match="engine='cuda' cannot run: numba-cuda is not installed"):
            call()


def test_asked_for_by_name_without_a_card():
    if cuda.available():
        pytest.skip("there is a card")
    with pytest.raises((MissingLibraryError, RuntimeError), match="engine='cuda'"):
        ncd.pairwise(["ab", "cd"], engine="cuda")


def test_without_driver():
    if importlib.util.find_spec("numba_cuda") is None:
        pytest.skip("numba-cuda is not installed")
    code = "from ncd.engines import cuda; print(cuda.why_not())"
    output = in_new_process(["-c", code], NUMBA_ENABLE_CUDASIM="0", CUDA_VISIBLE_DEVICES="")
    assert "driver" in output or "no device" in output


def test_arguments_are_checked_before_the_card():
    lengths = {"lx": np.ones(3, int), "ly": np.ones(2, int)}
    with pytest.raises(ValueError, match="metric is 'euclid': on the card choose from 'ncd'"):
        cuda.top_k(XS, YS, 1, metric="euclid", **lengths)
    with pytest.raises(ValueError, match="k is 3: with 2 texts choose from 1 to 2 on the card"):
        cuda.top_k(XS, YS, 3, metric="ncd", **lengths)


def test_too_little_memory():
    code = (
        "from ncd.engines import cuda\n"
        "try: list(cuda.joint_lengths_blocks([b'x' * 30_000], [b'y' * 20_000], memory=1_000_000))\n"
        "except MemoryError as error: print(error)"
    )
    output = in_new_process(["-c", code], NUMBA_ENABLE_CUDASIM="1")
    assert "texts of up to 30,000 and 20,000 bytes need" in output
    assert "of a card's memory, and 1,000,000 may be used: end other programs" in output


def test_metrics_are_all_there():
    from ncd.distances.lengths import METRICS

    assert tuple(METRICS) == cuda.METRICS


def test_nothing_is_imported_before_it_is_needed():
    code = "import sys, ncd, ncd.engines.cuda; print('numba' in sys.modules)"
    assert in_new_process(["-c", code]).strip() == "False"
