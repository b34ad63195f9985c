"""Token ids straight from plans: compiled fragments filled with entity tokens, without rendering any text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from medsafetyworld.corpus.library import Library
from medsafetyworld.corpus.marks import END_OF_TEXT
from medsafetyworld.corpus.render import Plan
from medsafetyworld.training.tokenizer import PADDING, token_id

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class TokenTable:
    """Fragments as token ids, with slots left open.

    Args:
        tokenizer: the world's tokenizer, in which every name is one token.
        library: the fragments that plans refer to.
        names: `(N,)` entity names.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerFast, library: Library, names: NDArray[np.object_]) -> None:
        codes: list[int] = []
        starts = [0]
        for fragment in library.fragments:
            for piece in fragment.pieces:
                codes += [-1 - piece] if isinstance(piece, int) else tokenizer.encode(piece, add_special_tokens=False)
            starts.append(len(codes))
        self.codes = np.array(codes, dtype=np.int32)
        """All fragments' tokens; -1 - s stands for slot s."""
        self.starts = np.array(starts, dtype=np.int64)
        """(F + 1,): first code of each fragment."""
        self.lengths = np.diff(self.starts)
        self.name_ids = np.array(tokenizer.convert_tokens_to_ids([str(name) for name in names]), dtype=np.int32)
        """(N,): token of each entity."""
        self.end_id = token_id(tokenizer, END_OF_TEXT)
        self.padding_id = token_id(tokenizer, PADDING)

    def document_lengths(self, plan: Plan) -> NDArray[np.int64]:
        """Return `(documents,)` how many tokens each document has."""
        totals = np.concatenate([[0], np.cumsum(self.lengths[plan.part])])
        return np.asarray(np.diff(totals[plan.offsets]), dtype=np.int64)

    def ids(self, plan: Plan) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Return the token ids of all documents, int32 `(tokens,)`, and int64 `(documents + 1,)` where each begins.

        They equal those of the tokenizer on the rendered texts.
        """
        lengths = self.lengths[plan.part]
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        shift = self.starts[plan.part] - (ends - lengths)
        ids = self.codes[np.repeat(shift, lengths) + np.arange(total, dtype=np.int64)]
        open_slots = np.flatnonzero(ids < 0)
        part = np.searchsorted(ends, open_slots, side="right")
        ids[open_slots] = self.name_ids[plan.entities[part, -1 - ids[open_slots]]]
        return ids, np.concatenate([[0], ends])[plan.offsets].astype(np.int64)
