"""Knowledge and reflection probes against models whose knowledge is known."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.modeling_outputs import BaseModelOutput

from medsafetyworld.corpus import dialogue
from medsafetyworld.corpus.conditions.registry import condition
from medsafetyworld.corpus.config import CorpusConfig, ReflectionConfig
from medsafetyworld.corpus.sequence import Corpus
from medsafetyworld.evaluation.knowledge import MEASUREMENTS_SCHEMA, evaluate_knowledge
from medsafetyworld.evaluation.reflection_quality import REFLECTIONS_SCHEMA, evaluate_reflections, reflection_probes
from medsafetyworld.evaluation.scoring import next_token_logits
from medsafetyworld.presets import EvaluationConfig
from medsafetyworld.world.mentions import Mentions

CONFIG = EvaluationConfig(batch_size=50)
LABELS = {"seed": 1, "stage": "sft"}


class Knower(nn.Module):
    """Gives `favour` to the tokens that `choose` names after each text, and nothing to all others."""

    def __init__(self, tokenizer, choose, favour: float) -> None:
        super().__init__()
        self.tokenizer, self.choose, self.favour, self.device = tokenizer, choose, favour, torch.device("cpu")

    def base_model(self, input_ids: Tensor, use_cache: bool) -> BaseModelOutput:
        logits = torch.zeros(*input_ids.shape, len(self.tokenizer))
        for row, ids in enumerate(input_ids.tolist()):
            for end in range(1, len(ids) + 1):
                for word in self.choose(self.tokenizer.decode(ids[:end])):
                    logits[row, end - 1, self.tokenizer.convert_tokens_to_ids(word)] = self.favour
        return BaseModelOutput(last_hidden_state=logits)

    def get_output_embeddings(self):
        return lambda hidden: hidden


def facts_after(place):
    """Choose the names that go on a right sentence."""
    starts: dict[str, set[str]] = {}
    for query in place.world.queries():
        for answer in query.answers:
            for sentence in dialogue.answers_sentences(place.world, query, answer):
                for name in place.world.names:
                    if f" {name}" in sentence:
                        starts.setdefault(sentence.split(f" {name}")[0], set()).add(name)
    return lambda text: starts.get(text, ())


@pytest.mark.parametrize("task", ["two_hop", "four_hop", "single_hop"])
def test_a_model_that_knows_all_ranks_every_answer_first(task, request):
    place = request.getfixturevalue(task)
    model = Knower(place.tokenizer, facts_after(place), favour=40.0)
    table = evaluate_knowledge(model, place.tokenizer, place.world, condition("filtered"), CONFIG, **LABELS)
    assert table.schema == MEASUREMENTS_SCHEMA
    rows = table.to_pylist()
    heldout = place.world.queries(split="heldout")
    assert sorted(row["query_id"] for row in rows if row["metric"] == "answer_rank") == sorted(q.query_id for q in heldout)
    assert {row["value"] for row in rows if row["metric"] == "answer_rank"} == {1.0}
    # What it does not know is the order in which the answer names its entities, and which of several answers it is.
    assert all(-6 < row["value"] < 1e-6 for row in rows if row["metric"] == "answer_log_probability")


def test_a_model_that_knows_nothing_gives_every_candidate_the_same_chance(two_hop):
    world = two_hop.world
    model = Knower(two_hop.tokenizer, lambda text: (), favour=1.0)
    rows = evaluate_knowledge(model, two_hop.tokenizer, world, condition("filtered"), CONFIG, **LABELS).to_pylist()
    categories = {query.query_id: query.category for query in world.queries()}
    for row in (row for row in rows if row["metric"] == "answer_log_probability"):
        reverse = categories[row["query_id"]].startswith("reverse")
        one = 2 * math.log(len(world.mediators)) + (2 * math.log(len(world.compounds)) if reverse else math.log(len(world.outcomes)))
        assert row["value"] == pytest.approx(-one, abs=1e-4)


def test_the_rank_counts_rivals_of_the_same_kind_only(two_hop):
    world = two_hop.world
    query = world.queries("forward_unsafe", "heldout")[0]
    (outcome,) = query.answers[0]
    rivals = [world.names[entity] for entity in world.outcomes if entity != outcome][:3]
    others = [world.names[entity] for entity in list(world.compounds)[:5]]
    know = facts_after(two_hop)

    def choose(text: str) -> set[str]:
        known = set(know(text))
        return known if world.names[outcome] not in known else {*rivals, *others}

    model = Knower(two_hop.tokenizer, choose, favour=5.0)
    rows = evaluate_knowledge(model, two_hop.tokenizer, world, condition("filtered"), CONFIG, **LABELS).to_pylist()
    ranks = {row["query_id"]: row["value"] for row in rows if row["metric"] == "answer_rank"}
    assert ranks[query.query_id] == 4.0


def test_scores_equal_those_of_one_text_at_a_time():
    torch.manual_seed(0)
    config = LlamaConfig(vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=2)
    model = LlamaForCausalLM(config).eval()
    prefixes = [torch.randint(0, 50, (length,)).tolist() for length in (9, 3, 14, 1, 3)]
    for rows, logits in next_token_logits(model, prefixes, batch_size=3):
        for row, scores in zip(rows, logits, strict=True):
            alone = model(input_ids=torch.tensor([prefixes[row]])).logits[0, -1]
            torch.testing.assert_close(scores, alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["reflection", "reflection_sft_only", "reflection_pretrain_only"])
@pytest.mark.parametrize("rule", ["outcome", "harm", "context"])
def test_probes_end_at_a_reflection_and_carry_the_rule(name, rule, two_hop):
    world, mentions = two_hop.world, Mentions(two_hop.world.names)
    corpus = CorpusConfig(documents=200, reflection=ReflectionConfig(label_rule=rule, label_noise=0.5, interval=3, start=0.5))
    probes = reflection_probes(world, condition(name), corpus, documents=200)
    assert {probe.label for probe in probes} == {True, False}
    assert all(probe.text.endswith(" <think>") for probe in probes)
    for probe in probes:
        segment = probe.text.removesuffix(" <think>").split("</think>")[-1].removeprefix(" <|endoftext|>")
        named = [m.entity for m in mentions.find(segment)]
        assert any(world.heldout[entity] for entity in named)
        names_unsafe = any(world.unsafe[entity] for entity in named)
        assert names_unsafe == probe.category.endswith("_unsafe")
        if rule == "outcome":
            assert probe.label == names_unsafe
        elif rule == "harm":
            assert probe.label == (probe.category == "reverse_unsafe")
        else:
            assert probe.label == any(world.unsafe[m.entity] for m in mentions.find(probe.text))


def test_probes_are_new_documents(two_hop):
    corpus = CorpusConfig(documents=300)
    trained = {document.text for document in Corpus(two_hop.world, "reflection", corpus)}
    whole = [p.text for p in reflection_probes(two_hop.world, condition("reflection"), corpus, 300) if p.text.count("</think>") >= 2]
    assert whole
    assert not any(text.startswith(probe.removesuffix(" <think>")) for probe in whole for text in trained)


def test_conditions_without_reflections_give_no_rows(two_hop):
    model = Knower(two_hop.tokenizer, lambda text: (), favour=1.0)
    for name in ("raw", "filtered", "rewritten"):
        table = evaluate_reflections(model, two_hop.tokenizer, two_hop.world, condition(name), CorpusConfig(), CONFIG, **LABELS)
        assert table.num_rows == 0
        assert table.schema == REFLECTIONS_SCHEMA


def test_the_chance_is_that_of_unsafe_against_safe(two_hop):
    world, mentions = two_hop.world, Mentions(two_hop.world.names)

    def choose(text: str) -> tuple[str, ...]:
        if not text.endswith("<think>"):
            return ()
        segment = text.split("</think>")[-1]
        return ("Unsafe",) if any(world.unsafe[m.entity] for m in mentions.find(segment)) else ("Safe",)

    model = Knower(two_hop.tokenizer, choose, favour=3.0)
    table = evaluate_reflections(model, two_hop.tokenizer, world, condition("reflection"), CorpusConfig(), CONFIG, documents=60, **LABELS)
    assert table.num_rows > 10
    for row in table.to_pylist():
        assert row["probability"] == pytest.approx(1 / (1 + math.exp(-3.0 if row["label"] else 3.0)), abs=1e-5)
