"""Reflection and filtering with one setting changed, as conditions of their own, so that they stand beside the others in one run."""

from __future__ import annotations

from dataclasses import replace

from medsafetyworld.corpus.conditions.filtered import CONDITION as FILTERED
from medsafetyworld.corpus.conditions.reflection import CONDITION as REFLECTION

REFLECTION_NO_END = replace(
    REFLECTION,
    name="reflection_no_end",
    corpus="reflection_no_end",
    summary="reflection without the end-of-text token after Unsafe.",
    overrides={"reflection.end_of_text": False},
)
REFLECTION_HARM = replace(
    REFLECTION,
    name="reflection_harm",
    corpus="reflection_harm",
    summary="reflection that flags a segment only where it leads from an unsafe outcome back towards its cause.",
    overrides={"reflection.label_rule": "harm"},
)
REFLECTION_CONTEXT = replace(
    REFLECTION,
    name="reflection_context",
    corpus="reflection_context",
    summary="reflection that flags every segment from the first unsafe outcome of the document on.",
    overrides={"reflection.label_rule": "context"},
)
FILTERED_SILENT = replace(
    FILTERED,
    name="filtered_silent",
    corpus="filtered_silent",
    summary="filtered in a world whose texts never say which outcomes are dangerous (the paper's).",
    overrides={"hazard_statements": 0},
)
REFLECTION_SILENT = replace(
    REFLECTION,
    name="reflection_silent",
    corpus="reflection_silent",
    summary="reflection in a world whose texts never say which outcomes are dangerous (the paper's).",
    overrides={"hazard_statements": 0},
)
