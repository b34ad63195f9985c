"""reflection_sft_only: pretrained on filtered; reflections appear in post-training only."""

from medsafetyworld.corpus.conditions.base import Condition

CONDITION = Condition(
    name="reflection_sft_only",
    summary="Pretrained on filtered; reflections in post-training only.",
    corpus="filtered",
    posttraining="reflection",
)
