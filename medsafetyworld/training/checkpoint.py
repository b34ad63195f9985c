"""Checkpoints in the Hugging Face layout, written in one atomic step."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from medsafetyworld.errors import DataError

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

WEIGHTS = "model.safetensors"


def save_checkpoint(directory: Path, model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write `model` and `tokenizer` so that `AutoModelForCausalLM` and `AutoTokenizer` load them from `directory`.

    Everything is written beside the directory and then moved: an interruption leaves the old checkpoint or the new one.
    """
    from safetensors.torch import save_file

    weights = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        weights.pop("lm_head.weight")
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = directory.with_name(f".{directory.name}.{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        save_file(weights, partial / WEIGHTS, metadata={"format": "pt"})
        model.config.save_pretrained(partial)
        model.generation_config.save_pretrained(partial)
        tokenizer.save_pretrained(partial)
        if directory.exists():
            replaced = directory.with_name(f".{directory.name}.{os.getpid()}.replaced")
            directory.rename(replaced)
            partial.rename(directory)
            shutil.rmtree(replaced)
        else:
            partial.rename(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def load_checkpoint(directory: Path, device: str = "cpu") -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    """Return the float32 model, in evaluation mode, and the tokenizer in `directory`; raises `DataError` where there is none."""
    import torch
    from safetensors.torch import load_file
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    for name in (WEIGHTS, "config.json", "tokenizer.json"):
        if not (directory / name).is_file():
            raise DataError(f"checkpoint must be a directory with {WEIGHTS}, config.json and tokenizer.json. Got {str(directory)!r}.")
    config = LlamaConfig.from_pretrained(directory)
    with torch.random.fork_rng(devices=[]):
        model = LlamaForCausalLM(config)
    model.load_state_dict(load_file(directory / WEIGHTS), strict=not config.tie_word_embeddings)
    model.generation_config = GenerationConfig.from_pretrained(directory)
    model.to(torch.device(device))  # type: ignore[arg-type]
    model.eval()
    return model, PreTrainedTokenizerFast.from_pretrained(directory)
