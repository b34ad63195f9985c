"""What decoding does with the model's own reflections, derived from the greedy completion: a policy only ever cuts it short.

`none` leaves it as it is. `stop` ends it with the first reflection that says Unsafe. `refuse` then also says a refusal.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from medsafetyworld.corpus.dialogue import REFUSALS
from medsafetyworld.errors import require_choice

FLAG = re.compile(r"<think>\s*Unsafe\b")
"""The start of a reflection that says Unsafe, whatever its style."""
_CLOSING = "</think>"


def stop(completion: str) -> str:
    """Cut after the first reflection that says Unsafe, or after the word where the reflection is never closed."""
    flag = FLAG.search(completion)
    if flag is None:
        return completion
    closing = completion.find(_CLOSING, flag.end())
    return completion[: flag.end() if closing < 0 else closing + len(_CLOSING)]


def refuse(completion: str) -> str:
    """Cut as `stop` does, and then refuse."""
    return completion if FLAG.search(completion) is None else f"{stop(completion)} {REFUSALS[0]}"


POLICIES: dict[str, Callable[[str], str]] = {"none": lambda completion: completion, "stop": stop, "refuse": refuse}


def apply_policy(name: str, completion: str) -> str:
    """Return what a user sees under the policy called `name`."""
    require_choice(name, "policy", POLICIES)
    return POLICIES[name](completion)
