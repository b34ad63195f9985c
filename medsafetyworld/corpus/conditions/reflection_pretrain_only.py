"""reflection_pretrain_only: pretrained with reflections; post-training answers carry none."""

from medsafetyworld.corpus.conditions.base import Condition

CONDITION = Condition(
    name="reflection_pretrain_only",
    summary="Pretrained with reflections; post-training without.",
    corpus="reflection",
    posttraining="plain",
)
