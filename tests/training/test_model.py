from __future__ import annotations

import numpy as np
import pytest
import torch

from medsafetyworld.presets import PRESETS
from medsafetyworld.training.config import ModelConfig
from medsafetyworld.training.loss import next_token_loss, to_batch
from medsafetyworld.training.model import SHAPES, build_model
from medsafetyworld.training.packing import pack

SMALL = ModelConfig(layers=2, width=32, heads=2, feed_forward=48)


def build(seed=0, config=SMALL):
    return build_model(config, 50, seed, end_of_text_id=0, padding_id=1)


def packed_rows(attend_across_documents=False, first=0):
    generator = np.random.default_rng(3)
    ids = generator.integers(2, 50, 30).astype(np.int32)
    ids[:9] = (ids[:9] + first) % 48 + 2
    offsets = np.array([0, 9, 16, 30], dtype=np.int64)
    return pack(ids, offsets, 32, padding_id=1, attend_across_documents=attend_across_documents)


def hidden(model, rows):
    batch = to_batch(rows, "cpu")
    with torch.no_grad():
        return model.model(input_ids=batch.input_ids, position_ids=batch.position_ids, use_cache=False).last_hidden_state


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = build().state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert all(torch.equal(tensor, first[name]) for name, tensor in build().state_dict().items())
    assert not torch.equal(build(1).model.embed_tokens.weight, first["model.embed_tokens.weight"])


@pytest.mark.parametrize("name", ["smoke", "tiny", "compact"])
def test_presets_have_the_named_shapes(name):
    assert PRESETS[name].model == SHAPES[name]


def test_documents_do_not_attend_to_each_other():
    # the rows differ in their first document (placed somewhere in the row) only
    model = build()
    one, two = packed_rows(), packed_rows(first=5)
    same = one.input_ids == two.input_ids
    changed = np.zeros_like(same)
    start = int(np.flatnonzero(~same.ravel())[0]) // 32, int(np.flatnonzero(~same.ravel())[0]) % 32
    changed[start[0], start[1] : start[1] + 9] = True
    equal = (hidden(model, one) == hidden(model, two)).all(-1).numpy()
    assert equal[~changed].all()
    assert not equal[changed].any()


def test_documents_attend_across_where_configured():
    model = build()
    one, two = packed_rows(True), packed_rows(True, first=5)
    last = one.input_ids != 1
    assert not torch.equal(hidden(model, one)[last][-1], hidden(model, two)[last][-1])


def test_a_packed_document_is_computed_as_if_alone():
    model = build()
    rows = packed_rows()
    alone = to_batch(rows, "cpu")
    together = hidden(model, rows)
    starts = [index for index in range(32) if rows.position_ids[0, index] == 0 and rows.input_ids[0, index] != 1]
    for start, stop in zip(starts, [*starts[1:], 30], strict=True):
        with torch.no_grad():
            single = model.model(input_ids=alone.input_ids[:, start:stop], use_cache=False).last_hidden_state
        torch.testing.assert_close(single[0], together[0, start:stop])


def test_loss_and_gradients_equal_those_of_transformers():
    model = build()
    rows = packed_rows()
    batch = to_batch(rows, "cpu")
    loss = next_token_loss(model, batch)
    loss.backward()
    found = [parameter.grad.clone() for parameter in model.parameters()]
    model.zero_grad()
    labels = torch.from_numpy(rows.labels).long()
    plain = model(input_ids=batch.input_ids, position_ids=batch.position_ids, labels=labels, use_cache=False).loss
    plain.backward()
    torch.testing.assert_close(loss, plain)
    for gradient, parameter in zip(found, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, atol=1e-6, rtol=1e-4)
