"""Look for shortcuts, leaks and duplicates in a corpus: can safe and unsafe outcomes be told apart, is anything held out given away?

Examples:

    medsafetyworld audit --corpus runs/corpus --world runs/world
    medsafetyworld audit --corpus runs/corpus --world runs/world --out runs/audit

Exit code 0: every audit passed; 1: a bound is broken; 2: bad input.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from medsafetyworld.cli.output import is_vacant, occupied
from medsafetyworld.cli.parse import parse_command
from medsafetyworld.errors import require

if TYPE_CHECKING:
    from rich.table import Table

    from medsafetyworld.corpus.audit import Finding


@dataclass(frozen=True, kw_only=True, slots=True)
class Audit:
    """Audit a corpus."""

    corpus: Path
    """Corpus directory, as `medsafetyworld corpus` writes it; another writer's will do if it keeps the format."""
    world: Path
    """Directory of the world that the corpus is about."""
    out: Path | None = None
    """Directory for audit.json; must be new or empty. Without it the table is all."""
    seed: int = 0
    """Seed of the sample, the folds and the hashes."""
    sample: int = 30_000
    """Documents, in the mean, that the classifiers and the search for duplicates see. Leaks are looked for in all."""


def arguments(argv: Sequence[str]) -> Audit:
    """Parse the command line."""
    return parse_command(Audit, argv, prog="medsafetyworld audit", description=__doc__ or "")


def run(argv: Sequence[str]) -> int:
    """Run `medsafetyworld audit`."""
    command = arguments(argv)
    require(command.sample >= 1, "--sample", "an int of at least 1", command.sample)
    require(0 <= command.seed < 2**31, "--seed", "an int in [0, 2**31)", command.seed)
    if command.out is not None and not is_vacant(command.out):
        raise occupied(command.out)
    from rich.console import Console

    from medsafetyworld.corpus.audit import audit
    from medsafetyworld.world import World

    world = World.load(command.world)
    with Console(stderr=True).status("Reading") as status:
        findings = audit(world, command.corpus, seed=command.seed, sample=command.sample, on_progress=status.update)
    broken = [finding.name for finding in findings if not finding.passed]
    if command.out is not None:
        command.out.mkdir(parents=True, exist_ok=True)
        values = {
            "world_hash": world.content_hash,
            "corpus_manifest": json.loads((command.corpus / "manifest.json").read_text(encoding="utf-8")),
            "seed": command.seed,
            "sample": command.sample,
            "passed": not broken,
            "findings": [asdict(finding) for finding in findings],
        }
        temporary = command.out / ".audit.json"
        temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
        temporary.replace(command.out / "audit.json")
    console = Console()
    console.print(findings_table(findings))
    console.print(
        f"{len(broken)} of {len(findings)} audits broken: {', '.join(broken)}" if broken else f"All {len(findings)} audits passed."
    )
    return 1 if broken else 0


def findings_table(findings: Sequence[Finding]) -> Table:
    """Return findings as a table, the broken ones in red; figures keep their width, the words beside them wrap."""
    from rich.table import Table

    table = Table("audit", title="Audits", show_lines=True)
    for heading in ("found", "interval", "at most", "n", ""):
        table.add_column(heading, no_wrap=True)
    for finding in findings:
        found = "unknown" if finding.statistic is None else f"{finding.statistic:.4g}"
        interval = "" if finding.interval is None else f"{finding.interval[0]:.2f} to {finding.interval[1]:.2f}"
        verdict = "passed" if finding.passed else "[bold red]broken[/]"
        words = f"{finding.what}. {finding.detail}" if finding.detail else finding.what
        about = f"[bold]{finding.name}[/]\n" + words.replace("[", "\\[")
        table.add_row(about, found, interval, f"{finding.bound:g}", f"{finding.n:,}", verdict)
    return table
