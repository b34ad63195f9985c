"""What a condition is: a transformation of raw's statements, and the marks that its texts carry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from medsafetyworld.corpus.config import CorpusConfig
from medsafetyworld.corpus.marks import Mark, reflection_text
from medsafetyworld.errors import require, require_choice

if TYPE_CHECKING:
    from medsafetyworld.corpus.library import Library
    from medsafetyworld.corpus.statements import StatementTable
    from medsafetyworld.corpus.wording import Statements
    from medsafetyworld.world.world import World


@dataclass(frozen=True, slots=True)
class Context:
    """What a transformation may look at."""

    world: World
    config: CorpusConfig
    library: Library
    table: StatementTable


Transform = Callable[["Statements", Context], "Statements"]


def keep(statements: Statements, context: Context) -> Statements:
    """Return the statements as they are."""
    return statements


@dataclass(frozen=True)
class Condition:
    """A method that turns raw's documents into a training corpus, and says how post-training writes its answers.

    A condition sees raw's worded statements and may drop or reword them, never move them: corpora pair document by document.
    """

    name: str
    summary: str
    """One line for people."""
    transform: Transform = keep
    """Drops or rewords statements."""
    corpus: str = ""
    """Name of the condition whose corpus it is pretrained on; itself by default."""
    reflects: bool = False
    """Whether pretraining texts carry a mark after each segment."""
    posttraining: Literal["plain", "reflection"] = "plain"
    """Whether post-training answers carry the marks."""
    mark: Mark = reflection_text
    """What is written after a segment; "" for nothing. Every text it returns is a mark of the library."""
    overrides: Mapping[str, object] = field(default_factory=dict, hash=False)
    """Values of `CorpusConfig` fields that belong to the condition, by dotted name: {"reflection.end_of_text": False}."""

    def __post_init__(self) -> None:
        require(bool(self.name) and self.name.isidentifier(), "Condition.name", "a word of letters, digits and underscores", self.name)
        require(bool(self.summary), "Condition.summary", "one line of text", self.summary)
        require_choice(self.posttraining, "Condition.posttraining", ("plain", "reflection"))
        if not self.corpus:
            object.__setattr__(self, "corpus", self.name)
