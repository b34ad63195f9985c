"""`medsafetyworld card` writes one card for corpora beside each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from medsafetyworld.cli import main


def test_writes_a_card_of_the_corpora_in_a_folder(world_directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for condition in ("raw", "filtered"):
        flags = ["--condition", condition, "--corpus.documents", "60", "--out", str(tmp_path / condition)]
        assert main(["corpus", "--world", str(world_directory), "--preset", "smoke", *flags]) == 0
    capsys.readouterr()
    assert main(["card", "--corpora", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"Card of filtered, raw written: {tmp_path / 'README.md'}\n"
    assert '- config_name: "raw"\n  data_files:\n  - "raw/data/*.parquet"' in (tmp_path / "README.md").read_text()


def test_a_folder_without_corpora_is_refused_in_one_line(tmp_path: Path, error_line: Callable[..., str]) -> None:
    assert "must hold folders of finished corpora" in error_line("card", "--corpora", tmp_path)
    assert list(tmp_path.iterdir()) == []
