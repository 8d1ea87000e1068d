"""The options of a session, and reading them: the table [session] of an experiment file."""

from __future__ import annotations

from dataclasses import dataclass

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
