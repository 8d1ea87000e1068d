"""Experiments as they are asked for (TOML or options), and the plan that one becomes. Pure."""

from bench.experiments import experiment, from_options
from bench.experiments.experiment import AA, BASE, CANDIDATE, GATES, PLACEBO, ArmRequest, Experiment
from bench.experiments.plan import Plan, PlannedArm, runtime_json
from bench.experiments.reading import Document, load, read, read_flavor, read_session, understand
from bench.experiments.session_options import PROTOCOLS, UNTIL, SessionOptions

__all__ = [
    "AA",
    "BASE",
    "CANDIDATE",
    "GATES",
    "PLACEBO",
    "PROTOCOLS",
    "UNTIL",
    "ArmRequest",
    "Document",
    "Experiment",
    "Plan",
    "PlannedArm",
    "SessionOptions",
    "experiment",
    "from_options",
    "load",
    "read",
    "read_flavor",
    "read_session",
    "runtime_json",
    "understand",
]
