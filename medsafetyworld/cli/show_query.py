"""A query with its certificate: as tables for the terminal, and as a picture."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from medsafetyworld.errors import DataError, require

if TYPE_CHECKING:
    from rich.table import Table

    from medsafetyworld.corpus.certificate import Certificate
    from medsafetyworld.world import Query, World

SUFFIXES = (".png", ".svg")
DPI = 150


def check_picture(path: Path) -> None:
    """Raise `ConfigError` or `DataError` unless a picture can be written to `path`."""
    require(path.suffix in SUFFIXES, "--out", f"a file ending in {' or '.join(SUFFIXES)}", str(path))
    if find_spec("matplotlib") is None:
        raise DataError("A picture needs Matplotlib: pip install 'medsafetyworld[report]'. Got an environment without it.")


def certificate_tables(world: World, query: Query, certificate: Certificate, condition: str) -> Iterator[Table]:
    """Yield what is asked and how it can be known, the facts that this takes, and how often the entities are named."""
    from rich.table import Table

    from medsafetyworld.corpus.dialogue import prompt_text

    def names(entities: tuple[int, ...]) -> str:
        return " + ".join(str(world.names[entity]) for entity in entities)

    table = Table("", "", title=f"Query {query.query_id} on {condition}", show_header=False)
    table.add_row("prompt", prompt_text(world, query, query.template))
    table.add_row("right answers", " | ".join(names(answer) for answer in query.answers))
    table.add_row("category", ", ".join(part for part in (query.category, query.split, query.arm and f"arm {query.arm}") if part))
    table.add_row("derivable", "yes" if certificate.derivable else "no")
    table.add_row("answer stated", f"{certificate.stated:,} times" if certificate.stated else "never")
    table.add_row("open routes", ", ".join(certificate.routes) or "none")
    table.add_row("hops", str(certificate.hops))
    table.add_row(
        "minimal cut", f"{len(certificate.cut):,} facts, {certificate.cut_cost:,} statements" if certificate.cut else "nothing to cut"
    )
    yield table

    table = Table("relation", "direction", "fact", title="Facts that a derivation uses")
    for head in ("statements", "cause first", "effect first"):
        table.add_column(head, justify="right")
    table.add_column("cut")
    for support in certificate.support:
        counts = (f"{count:,}" for count in (support.count, support.cause_first, support.effect_first))
        cut = "cut" if support.key in certificate.cut else ""
        table.add_row(support.relation, support.direction, names(support.entities), *counts, cut, style="red" if cut else "")
    yield table

    table = Table("entity", title="How often its entities are named")
    for head in ("statements", "in whole chains"):
        table.add_column(head, justify="right")
    for exposure in certificate.exposure:
        table.add_row(str(world.names[exposure.entity]), f"{exposure.statements:,}", f"{exposure.in_whole_chains:,}")
    yield table


def write_picture(path: Path, world: World, query: Query, certificate: Certificate, condition: str) -> None:
    """Draw the neighbourhood of a query into a PNG or SVG file; equal certificates give equal bytes."""
    import matplotlib

    from medsafetyworld.analysis.figures import query_picture
    from medsafetyworld.analysis.figures.style import SETTINGS

    kind = path.suffix[1:]
    metadata = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    stream = BytesIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        with matplotlib.rc_context(SETTINGS):
            query_picture.draw(world, query, certificate, condition).savefig(stream, format=kind, dpi=DPI, metadata=metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stream.getvalue())
