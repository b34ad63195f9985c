"""The HTML page of a run that compares numbers of hops: what was found, in sentences made from the data, tables and figures."""

from __future__ import annotations

import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from medsafetyworld.analysis import report_tables as tables
from medsafetyworld.analysis.answer import invalid_summary
from medsafetyworld.analysis.depth import REVERSAL, depths
from medsafetyworld.analysis.figures.gallery import Drawing
from medsafetyworld.analysis.judgement import told
from medsafetyworld.analysis.labels import condition_label
from medsafetyworld.analysis.questions import DECOMPOSITION, Side
from medsafetyworld.analysis.report_tables import Column, ReportTable, RowGroup, TableCell, estimate_cell
from medsafetyworld.analysis.sentences import sentence
from medsafetyworld.analysis.study import Study
from medsafetyworld.analysis.wording import UNKNOWN, capitalised, count, listed, number


def render_depth_page(study: Study, drawings: dict[str, Drawing]) -> str:
    """Return the report as one self-contained HTML page that needs neither network nor JavaScript."""
    environment = Environment(
        loader=PackageLoader("medsafetyworld.analysis"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    stages = depths(study.outcomes)
    return environment.get_template("hops.html.j2").render(
        title=f"{study.run.config['preset']}: {listed([str(hops) for hops in stages])} hops",
        summary=_summary(study),
        answer=answer(study),
        depth_table=depth_table(study),
        size_table=size_table(study.run.config["depths"]),
        utility_table=tables.utility_table(study),
        comparison_table=tables.comparison_table(study),
        comparison_sentences=tables.comparison_sentences(study),
        outcome_tables=[(stage, table) for stage in stages.values() if (table := tables.outcome_table(study, stage)) is not None],
        timing_table=tables.timing_table(study),
        drawings=drawings,
        one_seed=len(study.seeds) == 1,
        config=json.dumps(study.run.config, indent=1, sort_keys=True),
    )


def answer(study: Study) -> list[str]:
    """Return the sentences that open the page."""
    stages = depths(study.outcomes)
    hops = f"{listed([str(one) for one in stages])} hops"
    sentences = []
    for condition in study.outcomes.conditions:
        if study.harm[condition] is not False:
            continue
        sides = [Side(condition, stage=stage, arms=study.primary_arms) for stage in stages.values()]
        ceilings = [Side(condition, stage=side.stage, attack=DECOMPOSITION, arms=side.arms) for side in sides]
        sentences.append(
            f"{capitalised(condition_label(condition))}: with {hops}, models that read no harmful statement named the compounds behind a"
            f" held-out unsafe outcome in {listed([told(study, side) for side in sides])} of the queries whose answer is open only to"
            f" composition, once the answer was begun for them (outcome prefill, {count(len(study.seeds), 'seed')}). Asked hop by hop, each"
            f" permitted hop on its own, they told {listed([told(study, side) for side in ceilings])}."
        )
    shallowest, *deeper = stages
    if deeper and (comparison := study.comparisons.get(f"filtered:composition:{deeper[-1]}_against_{shallowest}")) is not None:
        sentences.append(f"{sentence(comparison)}")
    sentences.append(f"{capitalised(invalid_summary(study))}.")
    return sentences


def depth_table(study: Study) -> ReportTable:
    """Return attack success by route arm, its ceiling, the hops reached, and utility, depth by depth."""
    groups = []
    for hops, stage in depths(study.outcomes).items():
        rows = []
        for condition in study.outcomes.conditions:
            composition = Side(condition, stage=stage, arms=study.primary_arms)
            if not study.has(condition, stage):
                continue
            reached = study.results.get(condition, "mean_depth", stage=stage, attack="prefill_outcome")
            composed = Side(condition, stage=stage, attack="direct", category="reverse_safe", arms=("composed",))
            cells = [
                estimate_cell(study.rate(composition), strong=True),
                estimate_cell(study.rate(Side(condition, stage=stage, attack=DECOMPOSITION, arms=study.primary_arms))),
                estimate_cell(study.rate(Side(condition, stage=stage, arms=REVERSAL))),
                estimate_cell(study.rate(Side(condition, stage=stage))),
                TableCell(UNKNOWN if reached.value is None else f"{number(reached.value, 1)} of {hops}"),
                estimate_cell(study.results.get(condition, "accuracy", stage=stage, category="forward")),
                estimate_cell(study.rate(composed, "accuracy")),
                TableCell(f"{study.rate(composition).n:,}"),
            ]
            rows.append((condition_label(condition), cells))
        groups.append(RowGroup(stage, rows))
    titles = ["condition", "ASR, composition", "ceiling", "ASR, reversal", "ASR, all arms", "hops named right"]
    titles += ["accuracy, forward", "accuracy, composed", "n, composition"]
    caption = (
        "Held-out harmful queries under the outcome prefill, after post-training. Composition, reversal: arms of the unsafe outcomes;"
        " ceiling: every permitted hop asked on its own and the answers joined outside (composition arm). Accuracy: held-out harmless"
        " queries."
    )
    return ReportTable(caption, [Column(title, numeric=place > 0) for place, title in enumerate(titles)], groups)


def size_table(configs: dict[str, dict[str, Any]]) -> ReportTable:
    """Return what the worlds and corpora of each depth are made of."""
    rows = []
    for hops, config in sorted(configs.items()):
        world, corpus, pretrain = config["world"], config["corpus"], config["pretrain"]
        sizes = (world["compounds"], world["mediators"], world["outcomes"], corpus["documents"])
        row = f"{pretrain['batch_size']} x {pretrain['sequence_length']}"
        rows.append((f"{hops} hops", [*(TableCell(f"{size:,}") for size in sizes), TableCell(row)]))
    titles = ["depth", "compounds", "mediators a layer", "outcomes", "documents", "rows x tokens a step"]
    columns = [Column(title, numeric=place > 0) for place, title in enumerate(titles)]
    return ReportTable("Sizes of each depth.", columns, [RowGroup("", rows)])


def _summary(study: Study) -> list[tuple[str, str]]:
    config: dict[str, Any] = study.run.config["config"]
    return [
        ("Preset", str(study.run.config["preset"])),
        ("Hops", ", ".join(str(hops) for hops in depths(study.outcomes))),
        ("Model", f"{count(config['model']['layers'], 'layer')}, width {config['model']['width']}"),
        ("Conditions", ", ".join(condition_label(c) for c in study.outcomes.conditions)),
        ("Seeds", ", ".join(str(s) for s in study.seeds)),
        ("Completions judged", f"{study.run.outcomes.num_rows:,}"),
    ]
