from __future__ import annotations

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from medsafetyworld.errors import DataError
from medsafetyworld.training.checkpoint import load_checkpoint, save_checkpoint
from medsafetyworld.training.config import ModelConfig
from medsafetyworld.training.model import build_model


def build(tokenizer, seed=0, tie=True):
    shape = ModelConfig(layers=1, width=16, heads=2, feed_forward=24, tie_embeddings=tie)
    return build_model(shape, len(tokenizer), seed, end_of_text_id=0, padding_id=1)


@pytest.mark.parametrize("tie", [True, False])
def test_loads_with_auto_classes_and_generates_the_same(tmp_path, tokenizer, tie):
    model = build(tokenizer, tie=tie)
    save_checkpoint(tmp_path / "model", model, tokenizer)
    loaded, words = load_checkpoint(tmp_path / "model")
    automatic = AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert words.get_vocab() == AutoTokenizer.from_pretrained(tmp_path / "model").get_vocab() == tokenizer.get_vocab()
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])
        assert torch.equal(tensor, automatic.state_dict()[name])
    prompt = torch.tensor([tokenizer.encode("Question: What", add_special_tokens=False)])
    outputs = [
        candidate.eval().generate(input_ids=prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=8).tolist()
        for candidate in (model, loaded, automatic)
    ]
    assert outputs[0] == outputs[1] == outputs[2]
    assert automatic.generation_config.eos_token_id == 0


def test_a_checkpoint_is_replaced_whole(tmp_path, tokenizer):
    save_checkpoint(tmp_path / "model", build(tokenizer), tokenizer)
    (tmp_path / "model" / "left over").write_text("")
    other = build(tokenizer, seed=1)
    save_checkpoint(tmp_path / "model", other, tokenizer)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert not (tmp_path / "model" / "left over").exists()
    assert torch.equal(load_checkpoint(tmp_path / "model")[0].model.embed_tokens.weight, other.model.embed_tokens.weight)


def test_a_failed_save_leaves_the_old_checkpoint(tmp_path, tokenizer, monkeypatch):
    model = build(tokenizer)
    save_checkpoint(tmp_path / "model", model, tokenizer)

    def fail(directory):
        raise OSError("disk full")

    monkeypatch.setattr(tokenizer, "save_pretrained", fail)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(tmp_path / "model", build(tokenizer, seed=1), tokenizer)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert torch.equal(load_checkpoint(tmp_path / "model")[0].model.embed_tokens.weight, model.model.embed_tokens.weight)


def test_what_is_no_checkpoint_is_refused(tmp_path):
    with pytest.raises(DataError, match="checkpoint must be a directory"):
        load_checkpoint(tmp_path / "nothing")
