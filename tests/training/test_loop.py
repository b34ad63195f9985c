from __future__ import annotations

import json
import signal
import threading

import numpy as np
import pytest
import torch

from medsafetyworld.errors import ConfigError, DataError
from medsafetyworld.training.config import ModelConfig, StageConfig
from medsafetyworld.training.interrupt import deferred_interrupt
from medsafetyworld.training.loop import METRICS_FILE, TrainingDiverged, train
from medsafetyworld.training.model import build_model
from medsafetyworld.training.packing import pack
from medsafetyworld.training.precision import Precision
from medsafetyworld.training.state import STATE_FILE, discard_state

FLOAT32 = Precision("cpu", "float32", 1, 1.0, 1.0)
STAGE = StageConfig(batch_size=4, warmup_steps=2, matrix_learning_rate=0.05, learning_rate=0.02)


def build():
    return build_model(ModelConfig(layers=1, width=16, heads=2, feed_forward=24), 30, 0, end_of_text_id=0, padding_id=1)


def batches(step):
    generator = np.random.default_rng([5, step])
    ids = (generator.integers(0, 4, 40)[:, None] * 3 + np.arange(3) + 2).astype(np.int32).ravel()
    return pack(ids, np.arange(0, 121, 12, dtype=np.int64), 24, padding_id=1)


def run(model, out=None, steps=25, stage=STAGE, **kwargs):
    return train(model, batches, stage, steps, out=out, precision=FLOAT32, **kwargs)


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(one, two):
    return one.keys() == two.keys() and all(torch.equal(tensor, two[name]) for name, tensor in one.items())


def untimed(directory):
    lines = [json.loads(line) for line in (directory / METRICS_FILE).read_text().splitlines()]
    return [{name: value for name, value in line.items() if name != "tokens_per_second"} for line in lines]


def test_the_loss_falls_and_is_written_down(tmp_path):
    seen = []
    summary = run(build(), tmp_path, steps=60, on_progress=lambda progress: seen.append((progress.step, progress.loss)))
    lines = [json.loads(line) for line in (tmp_path / METRICS_FILE).read_text().splitlines()]
    assert [step for step, _ in seen] == [10, 20, 30, 40, 50, 60]
    assert [(line["step"], line["loss"]) for line in lines] == seen
    assert summary.final_loss < 0.8 * seen[0][1]
    assert summary.tokens == sum(batches(step).tokens for step in range(60)) == lines[-1]["tokens"]


@pytest.mark.parametrize("stop", [1, 10, 24])
def test_interrupted_and_resumed_equals_uninterrupted(tmp_path, stop):
    whole = build()
    expected = run(whole, tmp_path / "whole")
    calls = []

    def counted(step):
        calls.append(step)
        if len(calls) == stop:
            signal.raise_signal(signal.SIGINT)
        return batches(step)

    first = build()
    with pytest.raises(KeyboardInterrupt):
        train(first, counted, STAGE, 25, out=tmp_path / "parts", precision=FLOAT32)
    assert calls == list(range(stop))
    second = build()
    found = run(second, tmp_path / "parts")
    assert equal(weights(whole), weights(second))
    assert (found.steps, found.tokens, found.final_loss) == (expected.steps, expected.tokens, expected.final_loss)
    assert untimed(tmp_path / "parts") == untimed(tmp_path / "whole")


def test_an_interruption_during_the_last_report_is_not_lost(tmp_path):
    whole, parts = build(), build()
    run(whole)
    with pytest.raises(KeyboardInterrupt):
        run(parts, tmp_path, on_progress=lambda progress: progress.step == 25 and signal.raise_signal(signal.SIGINT))
    again = build()
    run(again, tmp_path)
    assert equal(weights(whole), weights(again))


def test_a_killed_run_continues_from_its_last_saved_state(tmp_path):
    whole = build()
    run(whole)

    def fail(step):
        if step == 17:
            raise RuntimeError("killed")
        return batches(step)

    with pytest.raises(RuntimeError, match="killed"):
        train(build(), fail, STAGE, 25, out=tmp_path, precision=FLOAT32, checkpoint_steps=4)
    (tmp_path / METRICS_FILE).open("a").write('{"step": 20')  # a line that was cut short
    continued = []

    def counted(step):
        continued.append(step)
        return batches(step)

    second = build()
    train(second, counted, STAGE, 25, out=tmp_path, precision=FLOAT32, checkpoint_steps=4)
    assert continued == list(range(16, 25))
    assert equal(weights(whole), weights(second))
    steps = [json.loads(line)["step"] for line in (tmp_path / METRICS_FILE).read_text().splitlines()]
    assert steps == sorted(set(steps))


def test_a_finished_stage_is_not_trained_again(tmp_path):
    first, second = build(), build()
    one, two = run(first, tmp_path), run(second, tmp_path)
    assert equal(weights(first), weights(second))
    assert one == two
    discard_state(tmp_path)
    assert not (tmp_path / STATE_FILE).exists()


def test_a_state_of_another_stage_is_refused(tmp_path):
    run(build(), tmp_path)
    with pytest.raises(DataError, match="must be of this stage"):
        run(build(), tmp_path, steps=26)
    with pytest.raises(DataError, match="must be of this stage"):
        run(build(), tmp_path, stage=StageConfig(batch_size=4))
    other = build_model(ModelConfig(layers=1, width=32, heads=2, feed_forward=24), 30, 0, end_of_text_id=0, padding_id=1)
    with pytest.raises(DataError, match="of this shape"):
        run(other, tmp_path)
    (tmp_path / STATE_FILE).write_bytes(b"damaged")
    with pytest.raises(DataError, match="training state"):
        run(build(), tmp_path)


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path):
    model = build()
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(TrainingDiverged, match="Got loss nan"):
        run(model, tmp_path)
    assert not (tmp_path / STATE_FILE).exists()


def test_snapshots_see_the_model_of_their_step():
    seen = {}
    model = build()

    def keep(step):
        assert not model.training
        seen[step] = weights(model)

    run(model, steps=12, snapshot_steps=(3, 12), on_snapshot=keep)
    assert sorted(seen) == [3, 12]
    assert equal(seen[12], weights(model))
    assert not equal(seen[3], seen[12])
    plain = build()
    run(plain, steps=12)
    assert equal(weights(plain), weights(model))


def test_no_step_is_refused():
    with pytest.raises(ConfigError, match="total_steps"):
        run(build(), steps=0)


def test_the_second_interrupt_is_not_deferred():
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupt() as interrupt:
        signal.raise_signal(signal.SIGINT)
        assert interrupt.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_leave_signals_alone():
    before = signal.getsignal(signal.SIGINT)
    found = []

    def enter():
        with deferred_interrupt():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [before]
