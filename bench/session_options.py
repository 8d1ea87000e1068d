"""The options of a session, and reading them: the table [session] of an experiment file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.keys import Keys, kind_of

PROTOCOLS = ("auto", "lockstep", "sequential", "corun")
UNTIL = ("decided", "blocks")
MOST_REPLICAS = 20
MOST_PLACEBOS = 20


@dataclass(frozen=True, kw_only=True)
class SessionOptions:
    """The timing part. `budget` and `timeout` in seconds; `process_seconds` of timed values in each
    process of a block, None for what suits the protocol.

    The session ends when every benchmark is decided (`until` "decided"; "blocks" does not ask),
    after `blocks` blocks of each, or when `budget` is spent, whichever is first. `seed` None: drawn
    at the first run and recorded. `replicas` is how often each arm is built, `placebos` how many
    placebo arms are added, and `aa` adds the base against itself.
    """

    margin: float = 0.01
    blocks: int = 40
    budget: float | None = None
    protocol: str = "auto"
    process_seconds: float | None = None
    timeout: float = 120.0
    seed: int | None = None
    replicas: int = 1
    until: str = "decided"
    aa: bool = False
    placebos: int = 0


def read_session(keys: Keys, value: Any, key: str = "session") -> SessionOptions:
    """The options that the table `value` gives. Raises ExperimentError naming the key."""
    if not isinstance(value, dict):
        keys.fail(key, f"is {kind_of(value)}", "a table")
    given = SessionOptions()
    keys.known(value, key, tuple(SessionOptions.__dataclass_fields__))
    seed = keys.integer(value, key, "seed", 0, low=0, high=2**32 - 1)
    options = SessionOptions(
        margin=keys.number(value, key, "margin", given.margin, low=0.0001, high=0.5),
        blocks=keys.integer(value, key, "blocks", given.blocks, low=2, high=1000),
        budget=keys.duration(value, key, "budget"),
        protocol=keys.choice(value, key, "protocol", PROTOCOLS, given.protocol),
        process_seconds=keys.number(value, key, "process_seconds", 0.0, low=0.05, high=600)
        if "process_seconds" in value
        else None,
        timeout=keys.duration(value, key, "timeout") or given.timeout,
        seed=seed if "seed" in value else None,
        replicas=keys.integer(value, key, "replicas", 1, low=1, high=MOST_REPLICAS),
        until=keys.choice(value, key, "until", UNTIL, given.until),
        aa=keys.boolean(value, key, "aa", given.aa),
        placebos=keys.integer(value, key, "placebos", 0, low=0, high=MOST_PLACEBOS),
    )
    if options.replicas > options.blocks:
        keys.fail(
            f"{key}.replicas",
            f"is {options.replicas}, and {key}.blocks {options.blocks}",
            "as many blocks as replicas, or more: blocks rotate over the replicas",
        )
    return options
