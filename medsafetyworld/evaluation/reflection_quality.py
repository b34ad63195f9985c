"""Are the reflections true? The chance of Unsafe at the place of a reflection, on new texts about held-out outcomes.

The texts are documents of another corpus seed, so that no order of statements and wordings was trained on, in the condition's own
form up to the opening of the reflection. The truth is the condition's own label rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b

import pyarrow as pa
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from medsafetyworld.corpus.conditions.base import Condition
from medsafetyworld.corpus.conditions.registry import condition as find_condition
from medsafetyworld.corpus.conditions.registry import resolve
from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.marks import SAFE, UNSAFE, reflection_text
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.evaluation.completions import encode
from medsafetyworld.evaluation.scoring import next_token_logits
from medsafetyworld.presets import EvaluationConfig
from medsafetyworld.world.mentions import Mentions
from medsafetyworld.world.world import World

REFLECTIONS_SCHEMA = pa.schema(
    [
        pa.field("seed", pa.int64(), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in ("condition", "stage", "category")),
        pa.field("label", pa.bool_(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),
    ]
)
"""One row per seed, condition, stage and segment: its category, the rule's label (True is Unsafe), and the model's chance of Unsafe."""

OPENING = "<think>"


@dataclass(frozen=True, slots=True)
class Probe:
    """A text that ends where the model would judge its last segment."""

    text: str
    category: str
    label: bool


def evaluate_reflections(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    world: World,
    condition: Condition,
    corpus_config: CorpusConfig,
    config: EvaluationConfig,
    *,
    seed: int,
    stage: str,
    documents: int = 600,
) -> pa.Table:
    """Measure the chance of Unsafe against Safe after every segment, of `documents` new documents, that names a held-out outcome.

    Returns:
        A table of `REFLECTIONS_SCHEMA`, without rows where the condition writes no reflections.
    """
    probes = reflection_probes(world, condition, corpus_config, documents)
    safe, unsafe = (encode(tokenizer, [f"{OPENING} {word}"])[0][-1] for word in (SAFE, UNSAFE))
    chances = [0.0] * len(probes)
    prefixes = encode(tokenizer, [probe.text for probe in probes]) if probes else []
    for rows, logits in next_token_logits(model, prefixes, batch_size=config.batch_size):
        for row, chance in zip(rows, (logits[:, unsafe] - logits[:, safe]).sigmoid().tolist(), strict=True):
            chances[row] = chance
    columns = {
        "seed": [seed] * len(probes),
        "condition": [condition.name] * len(probes),
        "stage": [stage] * len(probes),
        "category": [probe.category for probe in probes],
        "label": [probe.label for probe in probes],
        "probability": chances,
    }
    return pa.table(columns, schema=REFLECTIONS_SCHEMA)


def reflection_probes(world: World, condition: Condition, corpus_config: CorpusConfig, documents: int) -> list[Probe]:
    """Return the texts at whose end the model is asked, with the rule's label; none where the condition writes no reflections."""
    own = _reflecting(condition)
    if own is None:
        return []
    config = resolve(own, resolve(condition, corpus_config))
    if OPENING not in own.mark(True, "", config.reflection):
        return []
    reflection = replace(config.reflection, label_noise=0.0, interval=1, start=0.0)
    config = replace(config, documents=documents, seed=_new_seed(config.seed), reflection=reflection)
    written = Corpus(world, replace(own, overrides={}), config)
    labelled = Corpus(world, replace(own, overrides={}, mark=reflection_text), config)
    mentions, probes = Mentions(world.names), []
    for document, truth in zip(written, labelled, strict=True):
        end = 0
        for segment, label in zip(document.segments, truth.reflections, strict=True):
            end = document.text.index(segment, end) + len(segment)
            if any(world.heldout[mention.entity] for mention in mentions.find(segment)):
                about = (s for s in document.statements if s.statement in segment and any(world.heldout[e] for e in s.entities))
                probes.append(Probe(f"{document.text[:end]} {OPENING}", next(about).category, label.startswith(UNSAFE)))
    return probes


def _reflecting(condition: Condition) -> Condition | None:
    """Return the condition whose documents carry the reflections that the model knows; None where it knows none."""
    source = condition if condition.corpus == condition.name else find_condition(condition.corpus)
    if source.reflects:
        return source
    if condition.posttraining == "reflection":
        return replace(condition, corpus=condition.name, transform=source.transform, reflects=True)
    return None


def _new_seed(seed: int) -> int:
    digest = blake2b(f"reflection probes of corpus seed {seed}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1
