"""From finished stages to the tables of a run, in which every judged completion stands beside what its corpus held of the answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from medsafetyworld.evaluation.certificates import join_certificates
from medsafetyworld.pipeline.corpora import ANSWERS, CERTIFICATES
from medsafetyworld.pipeline.run_directory import read_json, write_json, write_table

TABLES = ("outcomes", "measurements", "reflections")
"""Tables that evaluated models have, and that are gathered into the run directory."""


def gather(out: Path, stages: Sequence[Path], corpora: Mapping[str, str]) -> dict[str, int]:
    """Write the tables of finished `stages` into the run directory; returns the number of rows of each.

    Joining here, and not where a model is evaluated, lets an older run gain its certificates without evaluating anything again.

    Args:
        out: run directory.
        stages: folders of finished stages.
        corpora: the name of the corpus on which each condition is pretrained. Its counts, certificates and solvers' answers, which are
            stored once, then stand under every condition that has it.
    """
    tables = {name: _read(stages, f"{name}.parquet") for name in TABLES}
    certificates, answers = _read(stages, CERTIFICATES), _read(stages, ANSWERS)
    if answers is not None and tables["outcomes"] is not None:
        tables["outcomes"] = pa.concat_tables([tables["outcomes"], *(_under(answers, name, corpus) for name, corpus in corpora.items())])
    if certificates is not None and tables["outcomes"] is not None:
        tables["outcomes"] = join_certificates(tables["outcomes"], certificates, corpora)
    found = {name: table for name, table in tables.items() if table is not None}
    for name, table in found.items():
        write_table(out / f"{name}.parquet", table)
    finished = [read_json(folder / "stage.json") for folder in stages]
    counts = [stage["corpus"] for stage in finished if "corpus" in stage]
    write_json(
        out / "corpora.json", [{"condition": name, **own} for name, corpus in corpora.items() for own in counts if own["corpus"] == corpus]
    )
    write_json(out / "timings.json", [entry for stage in finished for entry in stage["timings"]])
    return {name: table.num_rows for name, table in found.items()}


def _read(stages: Sequence[Path], name: str) -> pa.Table | None:
    parts = [pq.read_table(folder / name) for folder in stages if (folder / name).exists()]
    return pa.concat_tables(parts) if parts else None


def _under(answers: pa.Table, condition: str, corpus: str) -> pa.Table:
    """Return a corpus's answers as rows of a condition that is pretrained on it."""
    own = answers.filter(pc.equal(answers["condition"], corpus))
    column = own.schema.get_field_index("condition")
    return own.set_column(column, own.schema.field(column), pa.array([condition] * own.num_rows, pa.string()))
