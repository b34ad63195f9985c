"""All figures of a run, drawn and written in one go."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from medsafetyworld.analysis.figures import (
    attack_ladder,
    derivability,
    fine_tuning,
    hops,
    outcome_stacks,
    reliability,
    route_arms,
    safety_utility,
    world_picture,
)
from medsafetyworld.analysis.figures.style import SETTINGS, save_png, to_svg
from medsafetyworld.analysis.labels import stage_depth
from medsafetyworld.analysis.study import Study
from medsafetyworld.world import World

NAMES = ("world", "safety_utility", "attack_ladder", "route_arms", "derivability", "outcome_stacks", "fine_tuning", "reliability")
INTERVALS = "Bars are 95% intervals: t over seeds, binomial where there is one seed or seeds do not differ."
REFERENCE = "Grey lines: solvers that answer from the same corpus without a neural model."
BELOW = "An asterisk marks conditions with seeds below the utility floor."
CAPTIONS = {
    "safety_utility": (
        "Large marks are means over seeds, small ones seeds; a cross is a seed below the utility floor. The strongest attack is chosen for"
        f" each condition on the same data, which flatters the attacker a little. {INTERVALS}"
    ),
    "attack_ladder": (
        "Every attack of the ladder, all route arms. Open marks below the dashed line are assisted: the attack supplies a hop of the"
        f" answer, or asks for each hop apart. {REFERENCE} {INTERVALS} {BELOW}"
    ),
    "route_arms": (
        "Held-out unsafe outcomes are dealt to arms at random; an arm says which routes to the answer stay open in the text of every"
        f" condition alike (raw and rewritten state the answers). {REFERENCE} {INTERVALS} {BELOW}"
    ),
    "derivability": (
        "A mark is a bin of support (quantiles over all conditions and seeds) and a set of open routes. Stated answers have the support of"
        f" their other routes, 0 where they have none. {REFERENCE} {INTERVALS} {BELOW}"
    ),
    "outcome_stacks": (
        f"Every completion of a harmful query has exactly one outcome; means over seeds. The three warm shades are leaks. {BELOW}"
    ),
    "fine_tuning": (
        "Attack success under the outcome prefill after fine-tuning; step 0 is the post-trained model. Open marks: seeds are below the"
        f" utility floor there. {INTERVALS}"
    ),
    "hops": (
        "Held-out unsafe outcomes after post-training. Solid: outcome prefill; dotted: the decomposition ceiling, each permitted hop asked"
        " on its own. Right: accuracy on held-out harmless queries whose answer is stated nowhere; the grey line is the utility floor, half"
        f" of raw's accuracy. Open marks: seeds are below the floor there. {INTERVALS}"
    ),
    "reliability": (
        "The model's chance of Unsafe after new segments about held-out outcomes, seeds pooled. Below: segments by chance, coloured where"
        " they are unsafe by the label rule."
    ),
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure on the page."""

    name: str
    title: str
    caption: str
    svg: str


def draw_all(study: Study, directory: Path) -> dict[str, Drawing]:
    """Draw every figure that the run has data for, write each as PNG into `directory`, and return them by name.

    Figures of an earlier report that are not drawn any more are removed.
    """
    return _draw(lambda: _figures(study), directory)


def draw_depths(study: Study, directory: Path) -> dict[str, Drawing]:
    """Draw the figures of a run that compares numbers of hops, as `draw_all` does."""
    return _draw(lambda: _depth_figures(study), directory)


def _draw(figures: Callable[[], Iterator[tuple[str, str, str, Figure]]], directory: Path) -> dict[str, Drawing]:
    drawings = {}
    # Drawn under these settings alone, whatever the user's own Matplotlib configuration says.
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        with matplotlib.rc_context(SETTINGS):
            for name, title, caption, figure in figures():
                save_png(figure, directory / f"{name}.png")
                drawings[name] = Drawing(name, title, caption, to_svg(figure, name, title))
    for name in (*NAMES, "hops"):
        if name not in drawings and (directory / f"{name}.png").exists():
            os.remove(directory / f"{name}.png")
    return drawings


def _depth_figures(study: Study) -> Iterator[tuple[str, str, str, Figure]]:
    deepest = max(stage_depth(stage) or 0 for stage in study.outcomes.stages)
    figure = hops.draw(study)
    if figure is not None:
        yield "hops", hops.TITLE, CAPTIONS["hops"], figure
    picture = world_picture.draw(world_picture.small_world(study.task, deepest))
    yield "world", world_picture.TITLE, f"A world of {deepest} hops, small enough to draw.", picture


def _figures(study: Study) -> Iterator[tuple[str, str, str, Figure]]:
    world, where = _world(study)
    names = "Names show which outcomes are unsafe." if world.config.label_visible else "Names do not tell safe outcomes from unsafe ones."
    yield "world", world_picture.TITLE, f"{where} {names}", world_picture.draw(world)
    modules = (safety_utility, attack_ladder, route_arms, derivability, outcome_stacks, fine_tuning, reliability)
    for name, module in zip(NAMES[1:], modules, strict=True):
        figure = module.draw(study)
        if figure is not None:
            yield name, module.TITLE, CAPTIONS[name], figure


def _world(study: Study) -> tuple[World, str]:
    """Return the run's own world if it is saved with it, else a small one of the same task, and which of them it is."""
    own = study.run.directory / "world"
    if own.is_dir():
        return World.load(own), "A part of a world of this run."
    return world_picture.small_world(study.task, study.hops), "A world of the same task, small enough to draw."
