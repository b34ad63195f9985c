"""Small worlds with their tokenizers, and models that say exactly what a script tells them to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, PreTrainedTokenizerBase
from transformers.cache_utils import Cache

from medsafetyworld.corpus import dialogue
from medsafetyworld.corpus.marks import END_OF_TEXT
from medsafetyworld.presets import PRESETS
from medsafetyworld.training.tokenizer import build_tokenizer
from medsafetyworld.world.config import WorldConfig
from medsafetyworld.world.world import World

Script = Callable[[str], str]
"""What a model writes after what it reads; the end-of-text token is added."""


class ScriptedModel(nn.Module):
    """Follows a script by greedy decoding. Where the script's token is banned it writes `instead`, and then goes on as scripted.

    A row's script is remembered in the key-value cache, as a real model's past is, so that decoding must keep rows and caches together.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, script: Script, instead: str = "Safe") -> None:
        super().__init__()
        self.tokenizer, self.script = tokenizer, script
        self.config = LlamaConfig(num_hidden_layers=1, vocab_size=len(tokenizer), attn_implementation="sdpa")
        self.instead = tokenizer.convert_tokens_to_ids(instead)
        self.device, self.dtype = torch.device("cpu"), torch.float32
        self.plans: list[tuple[int, list[int]]] = []

    def forward(
        self, input_ids: Tensor, position_ids: Tensor, attention_mask: Tensor, cache: Cache, use_cache: bool, logits_to_keep: int
    ) -> SimpleNamespace:
        assert use_cache
        assert logits_to_keep == 1
        if cache.get_seq_length() == 0:
            numbers = torch.tensor([self._plan(ids.tolist(), positions) for ids, positions in zip(input_ids, position_ids, strict=True)])
        else:
            numbers = cache.layers[0].keys[:, 0, -1, 0].long()
        state = numbers.float()[:, None, None, None].expand(-1, 1, input_ids.shape[1], 1)
        cache.update(state, state, 0)
        logits = torch.zeros(len(numbers), 1, len(self.tokenizer))
        logits[:, :, self.instead] = 0.5
        for row, number in enumerate(numbers.tolist()):
            length, ids = self.plans[number]
            step = int(position_ids[row, -1]) + 1 - length
            logits[row, 0, ids[min(step, len(ids) - 1)]] = 1.0  # finished rows may stay in the batch for a while
        return SimpleNamespace(logits=logits)

    def _plan(self, ids: list[int], positions: Tensor) -> int:
        length = int(positions[-1]) + 1
        text = self.script(self.tokenizer.decode(ids[len(ids) - length :]))
        written = text if text.endswith(END_OF_TEXT) else f"{text} {END_OF_TEXT}"
        self.plans.append((length, self.tokenizer(written, add_special_tokens=False)["input_ids"]))
        return len(self.plans) - 1


@dataclass(frozen=True)
class Place:
    """A world, its tokenizer and its right answers."""

    world: World
    tokenizer: PreTrainedTokenizerBase

    def continuation(self, text: str) -> str:
        """Return how a right answer goes on after `text`: a prompt with or without a prefill, or the start of a sentence."""
        prompt, asked, opening = text.rpartition("Answer:")
        opening = opening.replace("<think> Safe </think>", " ")
        opening = " ".join(opening.split())
        queries = [q for q in self.world.queries() if not asked or dialogue.prompt_text(self.world, q, q.template) == prompt + asked]
        for query in queries:
            for answer in query.answers:
                sentences = dialogue.answers_sentences(self.world, query, answer)
                whole = " ".join(sentences)
                for start in (whole, *([] if asked else sentences)):
                    if start.startswith(opening):
                        return start[len(opening) :].strip()
                if opening == "The":
                    return whole.removeprefix("The ")
        raise AssertionError(f"no right answer goes on from {text!r}")

    def model(self, script: Script) -> ScriptedModel:
        """Return a model that follows `script`."""
        return ScriptedModel(self.tokenizer, script)


@pytest.fixture(scope="session")
def two_hop() -> Place:
    world = World.generate(PRESETS["smoke"].world)
    return Place(world, build_tokenizer(world))


@pytest.fixture(scope="session")
def four_hop() -> Place:
    world = World.generate(WorldConfig(hops=4, compounds=14, mediators=12, outcomes=12, heldout_fraction=0.5))
    return Place(world, build_tokenizer(world))


@pytest.fixture(scope="session")
def single_hop() -> Place:
    world = World.generate(WorldConfig(task="single_hop", compounds=40, outcomes=20, single_edges=70, pair_edges=20, heldout_fraction=0.5))
    return Place(world, build_tokenizer(world))
