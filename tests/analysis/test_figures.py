"""Figures: drawn from whatever is there, the same bytes for the same data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from medsafetyworld.analysis.figures import gallery, world_picture
from medsafetyworld.analysis.figures.style import CONDITION_STYLE, condition_style
from medsafetyworld.analysis.labels import CONDITIONS
from medsafetyworld.analysis.study import Study
from medsafetyworld.presets import PRESETS
from medsafetyworld.world import World

Drawn = tuple[Path, dict[str, gallery.Drawing]]


@pytest.fixture(scope="module")
def drawn(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    directory = tmp_path_factory.mktemp("figures")
    return directory, gallery.draw_all(study, directory)


def test_every_figure_is_drawn_twice_alike(study: Study, drawn: Drawn, tmp_path: Path) -> None:
    directory, first = drawn
    second = gallery.draw_all(study, tmp_path)
    assert tuple(first) == gallery.NAMES
    assert {name: d.svg for name, d in first.items()} == {name: d.svg for name, d in second.items()}
    for name in gallery.NAMES:
        assert (directory / f"{name}.png").read_bytes() == (tmp_path / f"{name}.png").read_bytes()


def test_svgs_share_no_id_on_a_page(drawn: Drawn) -> None:
    _, drawings = drawn
    ids = [set(re.findall(r'\bid="([^"]+)"', d.svg)) for d in drawings.values()]
    assert sum(len(own) for own in ids) == len(set().union(*ids))
    for drawing in drawings.values():
        used = set(re.findall(r'href="#([^"]+)"', drawing.svg)) | set(re.findall(r"url\(#([^)]+)\)", drawing.svg))
        assert used <= set(re.findall(r'\bid="([^"]+)"', drawing.svg))
        assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", drawing.svg)


def test_figures_without_data_are_left_out_and_old_ones_removed(one_seed: Study, tmp_path: Path) -> None:
    for name in gallery.NAMES:
        (tmp_path / f"{name}.png").write_bytes(b"of an earlier report")
    found = gallery.draw_all(one_seed, tmp_path)
    assert "reliability" not in found
    assert "fine_tuning" not in found
    assert {path.stem for path in tmp_path.glob("*.png")} == set(found)


def test_styles_tell_conditions_apart() -> None:
    styles = {condition: condition_style(condition) for condition in CONDITIONS}
    main = ("raw", "rewritten", "filtered", "filtered_plus", "reflection_sft_only", "reflection")
    assert set(CONDITION_STYLE) == set(CONDITIONS)
    assert len({styles[c] for c in CONDITIONS}) == len(CONDITIONS)
    assert len({styles[c][0] for c in main}) == len(main)
    own = ("mine", "raw", "yours")
    assert condition_style("mine", own) != condition_style("yours", own)


@pytest.mark.parametrize("task", ["two_hop", "single_hop"])
def test_the_picture_shows_a_recipe_that_is_in_the_world(task: str) -> None:
    world = world_picture.small_world(task)
    chains = world_picture._chains(world)
    marked, outcomes = world_picture._chosen(world, chains)
    assert world.unsafe[marked[-1]]
    assert {bool(world.unsafe[c]) for c in outcomes} == {True, False}
    causes = {(int(a), int(b)) for a, b in world.graph.edges()}
    assert all((cause, effect) in causes for effect, cause in world_picture._recipe(world, marked))
    assert world_picture.draw(world).axes


def test_a_large_world_is_drawn_in_part() -> None:
    world = World.generate(PRESETS["tiny"].world)
    _, outcomes = world_picture._chosen(world, world_picture._chains(world))
    assert len(outcomes) == world_picture.SHOWN_OUTCOMES
    assert world_picture.draw(world).axes
