"""The report of a run: results.json, comparisons.json, figures and one self-contained HTML page."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from medsafetyworld.analysis.comparisons import to_row
from medsafetyworld.analysis.depth import analyse_depths
from medsafetyworld.analysis.sentences import sentence
from medsafetyworld.analysis.study import Study, analyse, read_run
from medsafetyworld.errors import ConfigError


def write_report(directory: str | Path) -> Path:
    """Write `results.json`, `comparisons.json`, `figures/*.png` and `report.html` into a run directory; returns the page's path.

    A run that compares numbers of hops has a page of its own.

    The same tables give the same bytes. Whatever is missing (conditions, stages, measurements, seeds beyond the first) is left out of
    the tables and figures, and named in the report.

    Raises:
        DataError: `config.json` or `outcomes.parquet` is missing or damaged.
        ConfigError: Matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise ConfigError("The report needs Matplotlib: pip install 'medsafetyworld[report]'. Got an environment without it.")
    from medsafetyworld.analysis.depth_page import render_depth_page
    from medsafetyworld.analysis.figures.gallery import draw_all, draw_depths
    from medsafetyworld.analysis.page import render_page

    path = Path(directory)
    run = read_run(path)
    by_depth = "depths" in run.config
    study = analyse_depths(run) if by_depth else analyse(run)
    write_rows(path / "results.json", study.results.to_rows())
    write_rows(path / "comparisons.json", comparison_rows(study))
    figures = draw_depths(study, path / "figures") if by_depth else draw_all(study, path / "figures")
    _write(path / "report.html", render_depth_page(study, figures) if by_depth else render_page(study, figures))
    return path / "report.html"


def comparison_rows(study: Study) -> list[dict[str, Any]]:
    """Return the rows of `comparisons.json`."""
    return [to_row(comparison, sentence(comparison)) for comparison in study.comparisons.values()]


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as a JSON list, a row a line, in one atomic step."""
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in rows)
    _write(path, f"[\n{lines}\n]\n" if rows else "[]\n")


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(path.name + ".partial")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)
