"""Experiments, read from a file or built from values, and plans of runs. Pure."""

from bench.experiments.build import Origin, build, command_line
from bench.experiments.experiment import (
    AA,
    BASE,
    CANDIDATE,
    GATES,
    PLACEBO,
    ArmRequest,
    ConditionChanges,
    Conditions,
    Experiment,
)
from bench.experiments.plan import Plan, PlannedArm, runtime_json
from bench.experiments.reading import Document, experiment_from, load, read
from bench.experiments.request import ExperimentRequest, experiment_of
from bench.experiments.session_options import (
    SessionChanges,
    SessionOptions,
    choices_of,
    number_range,
    whole_range,
)
from bench.experiments.shared_keys import (
    flavor_table,
    read_conditions,
    read_flavor,
    read_session,
    read_source,
    read_suite,
    runtime_place,
    source_of,
    suite_names,
)

__all__ = [
    "AA",
    "BASE",
    "CANDIDATE",
    "GATES",
    "PLACEBO",
    "ArmRequest",
    "ConditionChanges",
    "Conditions",
    "Document",
    "Experiment",
    "ExperimentRequest",
    "Origin",
    "Plan",
    "PlannedArm",
    "SessionChanges",
    "SessionOptions",
    "build",
    "choices_of",
    "command_line",
    "experiment_from",
    "experiment_of",
    "flavor_table",
    "load",
    "number_range",
    "read",
    "read_conditions",
    "read_flavor",
    "read_session",
    "read_source",
    "read_suite",
    "runtime_json",
    "runtime_place",
    "source_of",
    "suite_names",
    "whole_range",
]
