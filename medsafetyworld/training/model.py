"""Model shapes, and models built from them: one Llama-style architecture at every size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medsafetyworld.training.config import ModelConfig

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

SHAPES: dict[str, ModelConfig] = {
    "smoke": ModelConfig(layers=1, width=48, heads=2, feed_forward=96),
    "tiny": ModelConfig(layers=3, width=96, heads=3, feed_forward=192),
    "compact": ModelConfig(layers=8, width=512, heads=8, feed_forward=1536),
    "smollm2-135m": ModelConfig(layers=30, width=576, heads=9, key_value_heads=3, feed_forward=1536, rope_theta=100_000.0),
    "smollm2-360m": ModelConfig(layers=32, width=960, heads=15, key_value_heads=5, feed_forward=2560, rope_theta=100_000.0),
    "smollm2-1.7b": ModelConfig(layers=24, width=2048, heads=32, feed_forward=8192, rope_theta=130_000.0),
}
"""Named shapes. The smollm2 ones are those of SmolLM2 (Allal et al., 2025), without its vocabulary."""

INITIAL_DEVIATION = 0.02
CONTEXT_LENGTH = 4096


def build_model(
    config: ModelConfig, vocabulary_size: int, seed: int, *, end_of_text_id: int, padding_id: int, device: str = "cpu"
) -> LlamaForCausalLM:
    """Build a `transformers.LlamaForCausalLM` with float32 weights that depend on `config`, `vocabulary_size` and `seed` alone.

    Weights are drawn on the CPU from a generator of their own, so that they are the same on every device, and the global
    random state is left as it was. Matrices are normal with deviation 0.02, norms are 1.
    """
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    shape = LlamaConfig(
        vocab_size=vocabulary_size,
        hidden_size=config.width,
        intermediate_size=config.feed_forward,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.key_value_heads or config.heads,
        max_position_embeddings=CONTEXT_LENGTH,
        rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        tie_word_embeddings=config.tie_embeddings,
        bos_token_id=None,
        eos_token_id=end_of_text_id,
        pad_token_id=padding_id,
        attn_implementation="sdpa",  # type: ignore[call-arg]
    )
    with torch.random.fork_rng(devices=[]):
        model = LlamaForCausalLM(shape)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.fill_(1.0)
            else:
                parameter.normal_(0.0, INITIAL_DEVIATION, generator=generator)
    model.generation_config = GenerationConfig(do_sample=False, eos_token_id=end_of_text_id, pad_token_id=padding_id)
    model.to(torch.device(device))  # type: ignore[arg-type]
    return model
