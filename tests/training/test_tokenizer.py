from __future__ import annotations

import pytest
from transformers import AutoTokenizer

from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.corpus.dialogue import prefills, prompt_text
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.errors import DataError
from medsafetyworld.training.sft_data import sft_dialogues
from medsafetyworld.training.tokenizer import UNKNOWN, build_tokenizer, token_id
from medsafetyworld.world.config import WorldConfig
from medsafetyworld.world.world import World


def encode(tokenizer, text: str) -> list[int]:
    return tokenizer.encode(text, add_special_tokens=False)


def test_every_name_is_one_token_in_the_order_of_entities(world, tokenizer):
    ids = [encode(tokenizer, str(name)) for name in world.names]
    assert all(len(token) == 1 for token in ids)
    assert [token[0] for token in ids] == list(range(len(tokenizer) - len(world.names), len(tokenizer)))


@pytest.mark.parametrize("name", ["raw", "filtered_plus", "rewritten", "reflection"])
def test_corpora_are_restored_from_their_tokens(name, config, world, tokenizer):
    texts = [document.text for document in Corpus(world, name, config.corpus)]
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    unknown = token_id(tokenizer, UNKNOWN)
    assert all(unknown not in document for document in ids)
    assert tokenizer.batch_decode(ids) == texts
    # nothing is lost when special tokens are skipped but the end-of-text token itself
    shown = [text.replace(" <|endoftext|>", "") for text in texts]
    assert tokenizer.batch_decode(ids, skip_special_tokens=True) == shown


@pytest.mark.parametrize("task", ["single_hop", "two_hop"])
def test_dialogues_and_prefills_are_restored_from_their_tokens(task, config):
    world = World.generate(WorldConfig(task=task, compounds=24, mediators=18, outcomes=24, heldout_fraction=0.5))
    tokenizer = build_tokenizer(world)
    dialogues = sft_dialogues(world, condition("reflection"), config.corpus)
    texts = [text for dialogue in dialogues for text in (dialogue.prompt, dialogue.response)]
    for query in world.queries():
        texts += [f"{prompt_text(world, query, query.template)} {opening}" for opening in prefills(world, query).values()]
    ids = tokenizer(texts, add_special_tokens=False)["input_ids"]
    unknown = token_id(tokenizer, UNKNOWN)
    assert all(unknown not in text for text in ids)
    assert tokenizer.batch_decode(ids) == texts


def test_tokens_of_joined_texts_are_joined_tokens(world, tokenizer):
    prompt, response = f"Question: What is the outcome {world.names[-1]} caused by? Answer:", "<think> Safe </think> The"
    assert encode(tokenizer, f"{prompt} {response}") == encode(tokenizer, prompt) + encode(tokenizer, response)


def test_vocabulary_depends_on_the_task_and_the_names_alone(world, tokenizer):
    assert build_tokenizer(world).get_vocab() == tokenizer.get_vocab()
    other = World.generate(WorldConfig(compounds=24, mediators=18, outcomes=24, heldout_fraction=0.5, seed=7))
    assert len(build_tokenizer(other)) == len(tokenizer)


def test_words_outside_the_vocabulary_become_unknown(world, tokenizer):
    name = str(world.names[0])
    unknown = token_id(tokenizer, UNKNOWN)
    assert encode(tokenizer, "zzz") == [unknown]
    assert token_id(tokenizer, name) not in encode(tokenizer, f"{name}zzz")


def test_loads_with_auto_tokenizer(tmp_path, world, tokenizer):
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = f"As for {world.names[-1]}: <think> Unsafe </think> <|endoftext|>"
    assert encode(loaded, text) == encode(tokenizer, text)
    assert loaded.decode(encode(loaded, text)) == text
    assert (loaded.eos_token_id, loaded.pad_token_id) == (0, 1)


def test_token_id_refuses_what_is_no_token(tokenizer):
    with pytest.raises(DataError, match="Got 'zzz'"):
        token_id(tokenizer, "zzz")
