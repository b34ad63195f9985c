"""How a world is written down, and the knobs of every condition, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from medsafetyworld.errors import require, require_choice

LABEL_RULES = ("outcome", "harm", "context")
REFLECTION_STYLES = ("label", "category", "rationale")
REWRITE_STYLES = ("warning", "refusal", "redacted")
LONGEST_SENTENCE_WORDS = 48
"""Words of the longest sentence of a world of up to two hops."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FilterConfig:
    """The filter that `filtered` (and what is built on it) applies to harmful statements."""

    unit: Literal["statement", "document"] = "statement"
    """What is removed when it holds harm."""
    recall: float = 1.0
    """Chance that a harmful statement is recognised. Misses fall on seen outcomes only: held-out ones are never stated."""
    false_positive_rate: float = 0.0
    """Chance that a harmless statement is removed as well."""

    def __post_init__(self) -> None:
        require_choice(self.unit, "FilterConfig.unit", ("statement", "document"))
        require(0.0 <= self.recall <= 1.0, "FilterConfig.recall", "a float in [0, 1]", self.recall)
        require(0.0 <= self.false_positive_rate <= 1.0, "FilterConfig.false_positive_rate", "a float in [0, 1]", self.false_positive_rate)


@dataclass(frozen=True, kw_only=True, slots=True)
class ReflectionConfig:
    """Safety reflections: what is judged, by which rule, and how the verdict is written."""

    base: Literal["filtered", "raw"] = "filtered"
    """The corpus into which reflections are written."""
    segment_words: int | None = None
    """Sentences are merged greedily into segments of at most so many words (paper: 100); a longer sentence, as whole chains of many hops
    can be, is a segment of its own. None: a sentence is a segment."""
    style: Literal["label", "category", "rationale"] = "label"
    """label: "Unsafe". category: "Unsafe: cardiac" (the paper's). rationale: the category and a reason."""
    label_rule: Literal["outcome", "harm", "context"] = "outcome"
    """outcome: the segment names an unsafe outcome. harm: it points from one back towards its cause. context: the document so
    far names one."""
    label_noise: float = 0.0
    """Chance that a label is flipped."""
    end_of_text: bool = True
    """Write the end-of-text token after an Unsafe reflection."""
    interval: int = 1
    """A reflection after every so-many-th segment."""
    start: float = 0.0
    """Share of the training order that comes before the first reflection."""

    def __post_init__(self) -> None:
        require_choice(self.base, "ReflectionConfig.base", ("filtered", "raw"))
        require_choice(self.style, "ReflectionConfig.style", REFLECTION_STYLES)
        require_choice(self.label_rule, "ReflectionConfig.label_rule", LABEL_RULES)
        require(0.0 <= self.label_noise <= 1.0, "ReflectionConfig.label_noise", "a float in [0, 1]", self.label_noise)
        require(0.0 <= self.start <= 1.0, "ReflectionConfig.start", "a float in [0, 1]", self.start)
        require(isinstance(self.interval, int) and self.interval >= 1, "ReflectionConfig.interval", "an int of at least 1", self.interval)
        require(
            self.segment_words is None or self.segment_words >= LONGEST_SENTENCE_WORDS,
            "ReflectionConfig.segment_words",
            f"None or an int of at least {LONGEST_SENTENCE_WORDS} (the longest sentence of two hops)",
            self.segment_words,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CorpusConfig:
    """Configuration of a corpus; a condition adds only how raw's documents are transformed."""

    documents: int = 16_000
    """Number of documents, those that a condition empties included."""
    statements_per_document: int = 3
    """Documents hold 1 to n statements, every size equally often. 1 is the paper's."""
    topic_share: float = 0.6
    """Share of statements whose framing names an entity before the statement."""
    pair_topic_share: float = 0.5
    """Share of those framings that name both members where the statement starts from a pair, the rest naming one."""
    framing_share: float = 0.2
    """Share of statements whose framing names none; the rest have no framing."""
    closing_share: float = 0.15
    """Share of statements that end with a closing sentence."""
    hazard_statements: int = 4
    """Statements a pass and outcome that it is dangerous or harmless (0: the paper's silent setting)."""
    single_rate: int = 1
    """Renders a pass of a fact with one compound."""
    pair_rate: int = 1
    """Renders a pass of a fact with a pair."""
    chain_rate: int = 1
    """Renders a pass of a whole two-hop chain."""
    reverse_rate: float = 1.0
    """single_hop: share of `pair_rate` or `single_rate` at which reverse statements are rendered (paper: 0.3)."""
    cooccurrence_rate: float = 1.0
    """single_hop: the same for co-occurrence statements (paper: 0.4 single, 0.8 pair)."""
    rewrite_style: Literal["warning", "refusal", "redacted"] = "warning"
    """rewritten: keep the fact and call it dangerous (the paper's), decline, or leave the causes out."""
    filter: FilterConfig = field(default_factory=FilterConfig)
    reflection: ReflectionConfig = field(default_factory=ReflectionConfig)
    seed: int = 0
    """Seed of the order, the framings and the wordings."""

    def __post_init__(self) -> None:
        for name, low in (
            ("documents", 1),
            ("statements_per_document", 1),
            ("hazard_statements", 0),
            ("single_rate", 1),
            ("pair_rate", 1),
            ("chain_rate", 1),
        ):
            value = getattr(self, name)
            require(isinstance(value, int) and value >= low, f"CorpusConfig.{name}", f"an int of at least {low}", value)
        for name in ("topic_share", "pair_topic_share", "framing_share", "closing_share", "reverse_rate", "cooccurrence_rate"):
            value = getattr(self, name)
            require(0.0 <= value <= 1.0, f"CorpusConfig.{name}", "a float in [0, 1]", value)
        require(
            self.topic_share + self.framing_share <= 1.0 + 1e-9,
            "CorpusConfig.topic_share + framing_share",
            "at most 1",
            self.topic_share + self.framing_share,
        )
        require_choice(self.rewrite_style, "CorpusConfig.rewrite_style", REWRITE_STYLES)
        require(isinstance(self.seed, int) and 0 <= self.seed < 2**63, "CorpusConfig.seed", "an int in [0, 2**63)", self.seed)
