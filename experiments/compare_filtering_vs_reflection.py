"""Does removing every harmful document stop a model from composing the harm, and does safety reflection?

    python -m experiments.compare_filtering_vs_reflection --preset tiny --out runs/tiny

Trains every condition on every seed (a seed draws a world and an initialisation together, shared by all conditions), attacks
each model with the whole ladder and with benign and adversarial fine-tuning, lets non-neural solvers answer from each corpus, and writes
tables, paired comparisons with intervals, figures and `report.html`. The same command resumes an interrupted run and redoes nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from baselines.solvers import SOLVERS
from medsafetyworld.cli.device import Device, require_device
from medsafetyworld.cli.guard import main_guard
from medsafetyworld.cli.parse import parse
from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.errors import require, require_choice
from medsafetyworld.presets import with_seed

CONDITIONS = ("raw", "filtered", "filtered_plus", "rewritten", "reflection", "reflection_sft_only")
DEFAULT_SEEDS = {"smoke": 2}
"""Number of seeds of a preset that proves plumbing only; every other preset takes six, the fewest with a sign-flip p below 0.05."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Compare:
    """Compare filtering with safety reflection (and further conditions) on worlds drawn from one configuration."""

    out: Path
    """Run directory; an interrupted run in it is continued."""
    conditions: tuple[str, ...] = CONDITIONS
    """Conditions to compare. Controls: constant_safe, bare_end, reflection_no_end, reflection_harm, reflection_context,
    filtered_silent, reflection_silent."""
    solvers: tuple[str, ...] = tuple(SOLVERS)
    """Non-neural solvers that answer from each corpus beside the models; none after the bare flag."""
    seeds: int | None = None
    """How many seeds. None: 6 (smoke: 2)."""
    first_seed: int = 0
    """The first seed; the others follow."""
    device: Device = "cpu"
    """Where torch computes."""
    workers: int | None = None
    """Worker processes. None: one a core on a CPU, one on an accelerator."""
    plan: bool = False
    """Print runs, tokens, FLOPs, memory and time from a measured probe, and run nothing."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (2 for bad input, 130 when interrupted)."""
    return main_guard(lambda: _run(argv))


def _run(argv: Sequence[str] | None) -> int:
    command, preset, config = parse(
        Compare,
        sys.argv[1:] if argv is None else list(argv),
        prog="python -m experiments.compare_filtering_vs_reflection",
        description=__doc__ or "",
    )
    count = DEFAULT_SEEDS.get(preset, 6) if command.seeds is None else command.seeds
    require(count >= 1, "--seeds", "an int of at least 1", count)
    require(command.first_seed >= 0, "--first-seed", "an int of at least 0", command.first_seed)
    seeds = range(command.first_seed, command.first_seed + count)
    for name in command.conditions:
        condition(name)
    for name in command.solvers:
        require_choice(name, "solver", SOLVERS)
    require_device(command.device)
    if command.plan:
        from medsafetyworld.pipeline.plan import print_plan

        print_plan(config, command.conditions, seeds, device=command.device, workers=command.workers)
        return 0
    from medsafetyworld.pipeline.experiment import run_experiment

    run_experiment(
        command.out,
        experiment="compare_filtering_vs_reflection",
        preset=preset,
        configs=[with_seed(config, seed) for seed in seeds],
        conditions=command.conditions,
        device=command.device,
        workers=command.workers,
        solvers=[SOLVERS[name] for name in command.solvers],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
