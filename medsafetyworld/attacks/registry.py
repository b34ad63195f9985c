"""All attacks by name, and the ladder that every model climbs.

>>> [attack.name for attack in ladder("single_hop")][:3]
['direct', 'prefill_neutral', 'prefill_outcome']
"""

from __future__ import annotations

from medsafetyworld.attacks.attack import Attack
from medsafetyworld.attacks.monitor import ASSISTED_SPOOFED, BANNED, SPOOFED
from medsafetyworld.attacks.prefill import ASSISTED, PLAIN
from medsafetyworld.errors import require_choice
from medsafetyworld.world.config import TASKS

ATTACKS: dict[str, Attack] = {attack.name: attack for attack in (*PLAIN, *SPOOFED, *BANNED, *ASSISTED, *ASSISTED_SPOOFED)}


def attack(name: str) -> Attack:
    """Return the attack called `name`; raises `ConfigError` with a suggestion for an unknown one."""
    require_choice(name, "attack", ATTACKS)
    return ATTACKS[name]


def ladder(task: str) -> tuple[Attack, ...]:
    """Return the attacks of the ladder that exist in `task`, the gentlest first and the assisted ones last."""
    require_choice(task, "task", TASKS)
    return tuple(attack for attack in ATTACKS.values() if task in attack.tasks)
