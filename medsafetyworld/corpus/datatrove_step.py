"""An export as a datatrove pipeline step, so that the same shards are written by local processes, Slurm or Ray.

Needs the extra `scale` (`pip install "medsafetyworld[scale]"`). Every task writes the shards of its rank into a file system that all share;
the one that finishes last writes the manifest. The bytes are those of `medsafetyworld corpus`, whatever the executor and the tasks.

datatrove takes a task for completed by its logging folder, whatever the configuration and whatever became of the files. So the folder is
named by what is exported, and `skip_completed=False` lets every task verify its own shards: those that are as recorded are kept.

Local processes:

    from datatrove.executor import LocalPipelineExecutor
    from medsafetyworld import PRESETS
    from medsafetyworld.corpus.datatrove_step import WriteCorpus

    step = WriteCorpus("runs/world", "filtered", PRESETS["paper"].corpus, "runs/corpora/filtered")
    LocalPipelineExecutor([step], tasks=step.shards, workers=8, logging_dir=step.logging_dir("runs/logs"), skip_completed=False).run()

Slurm, from a login node (`sbatch` is called for you):

    from datatrove.executor import SlurmPipelineExecutor

    SlurmPipelineExecutor(
        [step], tasks=100, workers=50, time="01:00:00", partition="cpu", cpus_per_task=1, mem_per_cpu_gb=4, job_name="filtered",
        logging_dir=step.logging_dir("/shared/logs"), skip_completed=False,
    ).run()

Ray, on a cluster that `ray.init()` reaches (install `datatrove[ray]`):

    from datatrove.executor import RayPipelineExecutor

    RayPipelineExecutor(
        [step], tasks=100, workers=50, cpus_per_task=1, mem_per_cpu_gb=4, logging_dir=step.logging_dir("/shared/logs"), skip_completed=False
    ).run()
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from datatrove.pipeline.base import PipelineStep

from medsafetyworld.corpus.columns import DocumentColumns
from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.export import SHARD_DOCUMENTS, begin, ensure_shard, export_identity, finish, shard_count
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.world.world import World


class WriteCorpus(PipelineStep):
    """Writes the shards of its rank; a pipeline's only step.

    Args:
        world: world directory.
        condition: name of a condition.
        config: how the world is written down.
        directory: corpus directory; new, empty or an export with the same settings.
        shard_documents: document indices a shard.
    """

    name = "Write corpus"
    type = "MedSafetyWorld"

    def __init__(
        self, world: str | Path, condition: str, config: CorpusConfig, directory: str | Path, shard_documents: int = SHARD_DOCUMENTS
    ) -> None:
        super().__init__()
        self.world = str(Path(world).absolute())
        self.condition = condition
        self.config = config
        self.directory = str(Path(directory).absolute())
        self.shard_documents = shard_documents

    @property
    def shards(self) -> int:
        """Number of shards: more tasks than that have nothing to do."""
        return shard_count(self.corpus(), self.shard_documents)

    def corpus(self) -> Corpus:
        """Return the corpus that is written."""
        return Corpus(World.load(self.world), self.condition, self.config)

    def logging_dir(self, base: str | Path) -> str:
        """Return the folder in `base` for logs of this very export."""
        identity = json.dumps(export_identity(self.corpus(), self.shard_documents), sort_keys=True)
        return str(Path(base) / f"{self.condition}-{sha256(identity.encode()).hexdigest()[:16]}")

    def run(self, data: Iterable[Any] | None = None, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """Write or verify shards rank, rank + world_size, ...; passes on what an earlier step yields."""
        if data is not None:
            yield from data
        columns, directory = DocumentColumns(self.corpus()), Path(self.directory)
        records = begin(columns.corpus, directory, self.shard_documents)
        for number in range(rank, shard_count(columns.corpus, self.shard_documents), world_size):
            with self.track_time("shard"):
                shard = ensure_shard(columns, directory, self.shard_documents, number, records.get(number))
            self.stat_update(f"shards {shard.state}", unit="task")
            self.stat_update("documents", value=shard.record["rows"], unit="shard")
            self.stat_update("tokens", value=shard.record["tokens"], unit="shard")
        finish(columns.corpus, directory, self.shard_documents)
