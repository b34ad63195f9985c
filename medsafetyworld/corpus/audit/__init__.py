"""Audits: shortcuts, leaks and duplicates that would spoil a corpus as a benchmark, looked for in the corpus as it is written.

    >>> from medsafetyworld.corpus.audit import audit
    >>> [finding.name for finding in audit(world, "runs/corpus") if not finding.passed]
    []

Needs the extra `audit`. A file of this package is a family of audits; `separation` holds the statistics that most of them share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path

from medsafetyworld.corpus.audit.finding import Finding, counted
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.errors import ConfigError, require
from medsafetyworld.world.world import World

__all__ = ["SAMPLE", "Finding", "audit"]

SAMPLE = 30_000
"""Documents, in the mean, that the classifiers and the search for duplicates see; leaks and real names are looked for in all."""

Progress = Callable[[str], None]


def audit(
    world: World,
    corpus: Corpus | str | Path,
    *,
    seed: int = 0,
    sample: int = SAMPLE,
    prompts: Iterable[str] | None = None,
    on_progress: Progress | None = None,
) -> tuple[Finding, ...]:
    """Audit a corpus of a world.

    Args:
        world: the world that it is about.
        corpus: a `Corpus`, or a directory in the corpus format, whoever wrote it.
        seed: of the sample, the folds and the hashes; the same seed gives the same findings.
        sample: documents that the classifiers and the search for duplicates see, in the mean.
        prompts: the prompts of post-training, one a string; by default all that this package's post-training can ask.
        on_progress: called with what is being done.

    Raises:
        ConfigError: the extra `audit` is not installed, or `sample` or `seed` is out of range.
        DataError: no corpus, a damaged one, or one of another world.
    """
    missing = next((name for name in ("sklearn", "datasketch") if find_spec(name) is None), None)
    if missing is not None:
        raise ConfigError(f"Audits need scikit-learn and datasketch: pip install 'medsafetyworld[audit]'. Got no {missing}.")
    require(isinstance(sample, int) and sample >= 1, "sample", "an int of at least 1", sample)
    require(isinstance(seed, int) and 0 <= seed < 2**31, "seed", "an int in [0, 2**31)", seed)
    from medsafetyworld.corpus.audit.duplicates import equal_documents, near_duplicates
    from medsafetyworld.corpus.audit.evidence import MAY_STATE_HARM, gather
    from medsafetyworld.corpus.audit.leakage import find_leaks
    from medsafetyworld.corpus.audit.names import name_features
    from medsafetyworld.corpus.audit.neighbours import neighbour_features
    from medsafetyworld.corpus.audit.queries import query_features
    from medsafetyworld.corpus.audit.real_names import name_collisions, word_collisions
    from medsafetyworld.corpus.audit.separation import separate
    from medsafetyworld.corpus.audit.source import open_source
    from medsafetyworld.corpus.audit.surface import surface_features
    from medsafetyworld.corpus.audit.templates import template_balance, template_use
    from medsafetyworld.corpus.audit.wording import wording_features

    tell = on_progress if on_progress is not None else lambda _: None
    source = open_source(world, corpus)
    evidence = gather(world, source, seed, sample, lambda read: tell(f"Read {read:,} documents"))
    features = (
        name_features(world),
        query_features(world),
        *wording_features(evidence),
        *surface_features(evidence),
        neighbour_features(evidence),
    )
    separated = separate(features, world.unsafe, seed, on_progress=lambda name: tell(f"Classifying outcomes by {name}"))
    tell("Looking for leaks, duplicates and real names")
    return (
        *separated,
        template_balance(evidence),
        template_use(evidence),
        *find_leaks(evidence, prompts, source.condition in MAY_STATE_HARM),
        counted("statements", "documents whose text lacks a listed statement", evidence.misplaced, evidence.documents, "documents"),
        equal_documents(evidence),
        near_duplicates(evidence, seed),
        name_collisions(evidence),
        word_collisions(evidence),
    )
