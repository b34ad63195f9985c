"""Importing the package, its config and its command line loads nothing heavy; its names are where the documentation says."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points, version

import pytest

import medsafetyworld

HEAVY = ("torch", "transformers", "matplotlib", "pandas", "statsmodels")


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has loaded after `code`."""
    report = "import sys; print(*{name.split('.')[0] for name in sys.modules})"
    result = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import medsafetyworld",
        "from medsafetyworld import PRESETS, Corpus, CorpusConfig, World, WorldConfig, certificate",
        "import medsafetyworld.cli.parse, experiments.compare_filtering_vs_reflection",
        "from medsafetyworld import cli\nimport contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()): cli.main(['--help'])",
    ],
)
def test_light_imports_bring_no_heavy_library(code: str) -> None:
    assert not modules_after(code) & set(HEAVY)


def test_importing_the_package_alone_brings_not_even_numpy() -> None:
    assert not modules_after("import medsafetyworld") & {*HEAVY, "numpy", "scipy", "pyarrow", "networkx", "tyro", "rich"}


@pytest.mark.parametrize("name", medsafetyworld.__all__)
def test_public_names_resolve(name: str) -> None:
    value = getattr(medsafetyworld, name)
    assert getattr(medsafetyworld, name) is value
    assert name in dir(medsafetyworld)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Wrold'"):
        _ = medsafetyworld.Wrold


def test_the_version_is_the_installed_one() -> None:
    assert medsafetyworld.__version__ == version("medsafetyworld")


def test_registered_conditions_load() -> None:
    from medsafetyworld.corpus import condition

    for entry in entry_points(group="medsafetyworld.conditions"):
        assert condition(entry.name).name == entry.name
