"""What a run stores about the corpora that its models read, once a seed and corpus: counts, certificates, answers of solvers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.evaluation.certificates import certificate_table
from medsafetyworld.evaluation.judged import asked_queries
from medsafetyworld.evaluation.solvers import Solver, evaluate_solver
from medsafetyworld.pipeline.run_directory import write_table

CERTIFICATES = "certificates.parquet"
ANSWERS = "answers.parquet"


def store_certificates(folder: Path, corpus: Corpus, seed: int) -> dict[str, Any]:
    """Write the certificates of all queries that models are asked, and return the counts of the corpus."""
    harmful, benign = asked_queries(corpus.world)
    write_table(folder / CERTIFICATES, certificate_table(corpus, (*harmful, *benign), seed))
    return {"seed": seed, "corpus": corpus.source.name, **count_statements(corpus)}


def store_answers(folder: Path, corpus: Corpus, solver: Solver, seed: int) -> None:
    """Write what a solver answers from a corpus."""
    write_table(folder / ANSWERS, evaluate_solver(solver, corpus, seed=seed))


def count_statements(corpus: Corpus) -> dict[str, int]:
    """Return the number of documents, emptied ones included, of statements, and of harmful ones by the graph, whatever their wording."""
    table, written = corpus.table, corpus.exposure.statements
    ids = np.arange(written.size)
    _, harmful, _ = table.flags(table.type_of(ids), table.fillers(ids)[:, -1])
    return {"documents": len(corpus), "statements": int(written.sum()), "harmful_statements": int(written[harmful].sum())}
