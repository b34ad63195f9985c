"""The tasks of a run: pretraining runs, the post-training, evaluation and attacks of every model, and what is counted in every corpus.

Each stage has a folder of its own whose name ends with the fingerprint of all that decides its result; `stage.json` is written last
and marks it finished. So a stage is never done twice, and never taken for one of another configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.evaluation.solvers import Solver
from medsafetyworld.pipeline.fingerprint import (
    corpus_fingerprint,
    evaluation_fingerprint,
    finetune_fingerprint,
    posttrain_fingerprint,
    pretrain_fingerprint,
    solver_fingerprint,
)
from medsafetyworld.presets import RunConfig
from medsafetyworld.training.config import DATA_HANDLINGS
from medsafetyworld.world.schema import resolve_hops

FINETUNE_KINDS = ("benign", "adversarial")
DONE = "stage.json"


@dataclass(frozen=True, slots=True)
class Task:
    """A unit of work for one process: pretrain one corpus, carry one model from post-training to its last attack, or read one corpus."""

    kind: Literal["pretrain", "posttrain", "read"]
    condition: str
    config: RunConfig
    out: Path
    device: str
    evaluate: bool
    solvers: tuple[Solver, ...] = ()
    """Solvers that answer from a corpus that is read."""

    @property
    def name(self) -> str:
        """The unique name of the task, for people too."""
        noun = {"pretrain": "pretraining", "posttrain": "model", "read": "corpus"}[self.kind]
        return f"{noun} {self.condition} {_draw(self)}"

    @property
    def needs(self) -> str | None:
        """The name of the pretraining task that a model needs."""
        return f"pretraining {_pretraining_owner(self)} {_draw(self)}" if self.kind == "posttrain" else None

    @property
    def pretrain_folder(self) -> Path:
        """Where the pretrained model is."""
        chosen = condition(self.condition)
        return (
            self.out
            / "checkpoints"
            / f"pretrained-{_pretraining_owner(self)}-seed{self.config.seed}-{pretrain_fingerprint(self.config, chosen)}"
        )

    @property
    def posttrain_folder(self) -> Path:
        """Where the post-trained model is."""
        return self._folder("checkpoints", "", posttrain_fingerprint(self.config, condition(self.condition)))

    @property
    def evaluation_folder(self) -> Path:
        """Where the tables of the post-trained model are."""
        return self._folder("stages", "sft-", evaluation_fingerprint(self.config, condition(self.condition)))

    def finetune_folder(self, kind: str, handling: str, checkpoints: tuple[int, ...]) -> Path:
        """Where the tables of a fine-tuning attack are."""
        fingerprint = finetune_fingerprint(self.config, condition(self.condition), kind, handling, checkpoints)
        return self._folder("stages", f"{kind}_{handling}-", fingerprint)

    @property
    def corpus_folder(self) -> Path:
        """Where the counts and certificates of the corpus are."""
        return self._folder("stages", "corpus-", corpus_fingerprint(self.config, condition(self.condition)))

    def solver_folder(self, solver: Solver) -> Path:
        """Where a solver's answers from the corpus are."""
        return self._folder("stages", f"{solver.stage}-", solver_fingerprint(self.config, condition(self.condition), solver))

    def _folder(self, parent: str, prefix: str, fingerprint: str) -> Path:
        return self.out / parent / f"{prefix}{self.condition}-seed{self.config.seed}-{fingerprint}"


def _pretraining_owner(task: Task) -> str:
    """Return the condition under whose name a pretraining run is kept: the one whose corpus it is."""
    return condition(task.condition).corpus


def _draw(task: Task) -> str:
    """Return the words for what is drawn: the seed, and the hops of a deeper world."""
    hops = resolve_hops(task.config.world.task, task.config.world.hops)
    return f"seed {task.config.seed}" + (f", {hops} hops" if hops > 2 else "")


def corpora_of(conditions: Iterable[str]) -> dict[str, str]:
    """Return the name of the corpus on which each condition is pretrained: that of the condition whose it is."""
    return {name: condition(name).corpus for name in conditions}


def make_tasks(
    out: Path,
    configs: Sequence[RunConfig],
    conditions: Sequence[str],
    *,
    device: str,
    evaluate: bool,
    solvers: Sequence[Solver] = (),
) -> list[Task]:
    """Return the tasks of all conditions on all seeds, each pretraining run once, seed by seed, so that whole comparisons finish early.

    Corpora are read, and solvers asked, where models are evaluated.
    """
    tasks: list[Task] = []
    for config in configs:
        owners = dict.fromkeys(corpora_of(conditions).values())
        tasks += [Task("pretrain", owner, config, out, device, evaluate) for owner in owners]
        tasks += [Task("posttrain", name, config, out, device, evaluate) for name in conditions]
        if evaluate:
            tasks += [Task("read", owner, config, out, device, evaluate, tuple(solvers)) for owner in owners]
    return tasks


def finetune_plan(config: RunConfig) -> list[tuple[str, str, tuple[int, ...]]]:
    """Return the fine-tuning attacks as (kind, data handling, numbers of steps after which the model is attacked)."""
    dose = config.finetune.steps or 60
    if config.evaluation.attacks == "prompts":
        return []
    if config.evaluation.attacks == "ladder":
        return [(kind, "raw", (dose,)) for kind in FINETUNE_KINDS]
    curve = tuple(sorted({*(step for step in config.finetune.curve if step < dose), dose}))
    return [(kind, handling, curve) for kind in FINETUNE_KINDS for handling in DATA_HANDLINGS]


def task_folders(task: Task) -> list[Path]:
    """Return the folders of a task's stages, in order."""
    if task.kind == "pretrain":
        return [task.pretrain_folder]
    if task.kind == "read":
        return [task.corpus_folder, *(task.solver_folder(solver) for solver in task.solvers)]
    folders = [task.posttrain_folder]
    if task.evaluate:
        folders.append(task.evaluation_folder)
        folders += [task.finetune_folder(*attack) for attack in finetune_plan(task.config)]
    return folders
