"""What `import ncd` brings, and what it leaves for later."""

import importlib
import importlib.util
import json
import subprocess
import sys

import pytest
from support import finish

import ncd

HEAVY = ["numpy", "scipy", "sklearn", "joblib", "matplotlib", "rich", "pandas", "polars", "brotli", "lz4", "pyppmd"]


def imported():
    """Modules that `import ncd` loads, with microseconds, those of their own imports included."""
    command = [sys.executable, "-X", "importtime", "-c", "import ncd"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line.split("|") for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {columns[2].strip(): columns[1].strip() for columns in lines}


def test_import_is_light():
    modules = imported()
    assert "ncd" in modules
    assert not [name for name in modules if name.partition(".")[0] in HEAVY]


def test_import_is_quick():
    assert any(int(imported()["ncd"]) < 200_000 for _ in range(5))


def test_listing_names_imports_nothing(python):
    code = (
        f"import sys, json, ncd; dir(ncd); ncd.__version__; print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    )
    assert json.loads(finish(python(code))) == []


def test_code_lengths_need_no_estimators(python):
    code = (
        "import sys, ncd; ncd.get_compressor('gzip').length('a')\n"
        "print([m for m in ('sklearn', 'scipy', 'matplotlib', 'joblib', 'rich') if m in sys.modules])"
    )
    assert finish(python(code)).strip() == "[]"


@pytest.mark.parametrize("name", ncd.__all__)
def test_public_names(name):
    home = ncd._HOME.get(name, "ncd")
    assert importlib.util.find_spec(home), f"{name} is promised and {home} does not exist"
    assert name in dir(ncd)
    if home != "ncd":
        module = importlib.import_module(home)
        assert getattr(ncd, name) is getattr(module, name)
        assert name in module.__all__


@pytest.mark.parametrize(
    "before", ["ncd.lengths(['a'])", "import ncd.pairwise", "from ncd.pairwise import neighbors", "ncd.Normality"]
)
@pytest.mark.parametrize("name", ["pairwise", "normality"])
def test_functions_named_as_their_modules_stay_functions(name, before, python):
    home = f"ncd.{name}"
    code = f"import ncd\n{before}\nimport {home}\nfrom {home} import {name}\nassert ncd.{name} is {name}"
    finish(python(code + "\nassert callable(ncd.pairwise) and callable(ncd.normality)"))


@pytest.mark.parametrize(
    "use",
    [
        "ncd.data.load_udhr",
        "ncd.distances.lengths.cdm",
        "ncd.plot.__all__",
        "ncd.exceptions.ReadError",
        "ncd.compressors.Compressor",
        "ncd.readers.TextFile",
    ],
)
def test_submodules_need_no_import_of_their_own(use, python):
    finish(python(f"import ncd\n{use}\nassert {use.split('.')[1]!r} in dir(ncd)"))


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'ncd' has no attribute 'gzip_distance'"):
        _ = ncd.gzip_distance


def test_all_is_sorted_and_unique():
    names = ncd.__all__[1:]
    assert names == sorted(set(names))
