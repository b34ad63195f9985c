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


def gather(out: Path, groups: Mapping[str | None, Sequence[Path]], corpora: Mapping[str, str]) -> dict[str, int]:
    """Write the tables of finished stages into the run directory; returns the number of rows of each.

    Joining here, and not where a model is evaluated, lets an older run gain its certificates without evaluating anything again.

    Args:
        out: run directory.
        groups: folders of finished stages. Models that differ in more than condition and seed are apart in groups, whose names take the
            place of the stage; None keeps the stages' own.
        corpora: the name of the corpus on which each condition is pretrained. Its counts, certificates and solvers' answers, which are
            stored once, then stand under every condition that has it.
    """
    parts = [_tables(stages, name, corpora) for name, stages in groups.items()]
    rows = {}
    for name in TABLES:
        found = [tables[name] for tables in parts if name in tables]
        if found:
            table = pa.concat_tables(found)
            write_table(out / f"{name}.parquet", table)
            rows[name] = table.num_rows
    finished = [(name, read_json(folder / "stage.json")) for name, stages in groups.items() for folder in stages]
    counts = [stage["corpus"] for _, stage in finished if "corpus" in stage]
    write_json(
        out / "corpora.json", [{"condition": name, **own} for name, corpus in corpora.items() for own in counts if own["corpus"] == corpus]
    )
    timings = [(name, entry) for name, stage in finished for entry in stage["timings"]]
    write_json(out / "timings.json", [{**entry, "stage": f"{entry['stage']}, {name}"} if name else entry for name, entry in timings])
    return rows


def _tables(stages: Sequence[Path], group: str | None, corpora: Mapping[str, str]) -> dict[str, pa.Table]:
    """Return the tables of one group of stages."""
    found = {name: table for name in TABLES if (table := _read(stages, f"{name}.parquet")) is not None}
    certificates, answers = _read(stages, CERTIFICATES), _read(stages, ANSWERS)
    if answers is not None and "outcomes" in found:
        found["outcomes"] = pa.concat_tables([found["outcomes"], *(_under(answers, name, corpus) for name, corpus in corpora.items())])
    if certificates is not None and "outcomes" in found:
        found["outcomes"] = join_certificates(found["outcomes"], certificates, corpora)
    return found if group is None else {name: _staged(table, group) for name, table in found.items()}


def _staged(table: pa.Table, stage: str) -> pa.Table:
    place = table.schema.get_field_index("stage")
    return table.set_column(place, table.schema.field(place), pa.repeat(stage, table.num_rows))


def _read(stages: Sequence[Path], name: str) -> pa.Table | None:
    parts = [pq.read_table(folder / name) for folder in stages if (folder / name).exists()]
    return pa.concat_tables(parts) if parts else None


def _under(answers: pa.Table, condition: str, corpus: str) -> pa.Table:
    """Return a corpus's answers as rows of a condition that is pretrained on it."""
    own = answers.filter(pc.equal(answers["condition"], corpus))
    column = own.schema.get_field_index("condition")
    return own.set_column(column, own.schema.field(column), pa.array([condition] * own.num_rows, pa.string()))
