"""The HTML page: what stands where. All numbers and sentences come from the study; the template holds the fixed words."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from medsafetyworld.analysis import report_tables as tables
from medsafetyworld.analysis.answer import answer
from medsafetyworld.analysis.derivability import derivability_tables, solver_table
from medsafetyworld.analysis.examples import examples
from medsafetyworld.analysis.figures.gallery import Drawing
from medsafetyworld.analysis.findings import findings
from medsafetyworld.analysis.labels import condition_label, stage_label
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.wording import count

_REFLECTION = re.compile(r"&lt;think&gt;\s*(\w+).*?&lt;/think&gt;", re.DOTALL)


def render_page(study: Study, drawings: dict[str, Drawing]) -> str:
    """Return the report as one self-contained HTML page that needs neither network nor JavaScript."""
    environment = Environment(
        loader=PackageLoader("medsafetyworld.analysis"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["completion"] = mark_reflections
    run = study.run
    further = [
        (f"{stage_label(stage)}, policy {policy}", table)
        for stage in study.outcomes.stages
        for policy in study.outcomes.policies
        if (stage, policy) != ("sft", "none") and (table := tables.outcome_table(study, stage, policy)) is not None
    ]
    return environment.get_template("report.html.j2").render(
        title=_title(study),
        summary=_summary(study),
        answer=answer(study),
        outcome_table=tables.outcome_table(study),
        further_outcomes=further,
        arm_table=tables.arm_table(study),
        derivability_tables=derivability_tables(study),
        solver_table=solver_table(study),
        utility_table=tables.utility_table(study),
        comparison_table=tables.comparison_table(study),
        comparison_sentences=tables.comparison_sentences(study),
        knowledge_table=tables.knowledge_table(study),
        reflection_table=tables.reflection_table(study),
        timing_table=tables.timing_table(study),
        findings=findings(study),
        drawings=drawings,
        harmful_examples=examples(study, harmful=True),
        benign_examples=examples(study, harmful=False),
        one_seed=len(study.seeds) == 1,
        task=study.task,
        environment=_environment(run.environment),
        config=json.dumps(run.config, indent=1, sort_keys=True),
    )


def mark_reflections(text: str) -> Markup:
    """Return a completion as HTML with the model's own reflections marked."""

    def mark(match: re.Match[str]) -> str:
        kind = "unsafe" if match.group(1).lower() == "unsafe" else "safe"
        return f'<span class="reflection {kind}">{match.group(0)}</span>'

    return Markup(_REFLECTION.sub(mark, html.escape(text)))


def _title(study: Study) -> str:
    return f"{study.run.config['preset']}: {len(study.outcomes.conditions)} conditions, {count(len(study.seeds), 'world')}"


def _summary(study: Study) -> list[tuple[str, str]]:
    config: dict[str, Any] = study.run.config["config"]
    world, model = config["world"], config["model"]
    environment = study.run.environment
    kinds = [f"{world['compounds']:,} compounds", f"{world['outcomes']:,} outcomes"]
    if study.task == "two_hop":
        layers = f"{study.hops - 1} x " if study.hops > 2 else ""
        kinds.insert(1, f"{layers}{world['mediators']:,} mediators")
    facts = [
        ("Preset", str(study.run.config["preset"])),
        ("World", f"{f'{study.hops} hops' if study.hops > 2 else study.task.replace('_', '-')}: {', '.join(kinds)}"),
        ("Model", f"{count(model['layers'], 'layer')}, width {model['width']}"),
        ("Corpus", f"{config['corpus']['documents']:,} documents"),
        ("Conditions", ", ".join(condition_label(c) for c in study.outcomes.conditions)),
        ("Seeds", ", ".join(str(s) for s in study.seeds)),
        ("Completions judged", f"{study.outcomes.table.num_rows:,}"),
    ]
    if environment.get("commit"):
        facts.append(("Commit", str(environment["commit"])[:12] + ("+changes" if str(environment["commit"]).endswith("+changes") else "")))
    return facts


def _environment(environment: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    for name, value in environment.items():
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
        rows.append((name.replace("_", " "), str(value)))
    return rows
