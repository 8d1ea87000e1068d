"""One block: the processes of all arms on one benchmark, measured together under a protocol."""

from bench.measure import choice, jit, loops, protocols, ranking, worker
from bench.measure.addresses import PROBE
from bench.measure.choice import Calibration, Choices, FalseCalls
from bench.measure.loops import ScriptLoops, calibrate
from bench.measure.protocols import effort_for, measure
from bench.measure.ranking import CLASSES, KNOWN, LOOPS, WAITS, RankingRow, Sample, classify
from bench.measure.trial import (
    BlockPlan,
    Effort,
    Failure,
    RunnableArm,
    Task,
    Trial,
    Worker,
    answering_command,
    arm_of,
    has_jit,
    loops_of,
    with_effort,
)
from bench.measure.worker import Rig

__all__ = [
    "CLASSES",
    "KNOWN",
    "LOOPS",
    "PROBE",
    "WAITS",
    "BlockPlan",
    "Calibration",
    "Choices",
    "Effort",
    "Failure",
    "FalseCalls",
    "RankingRow",
    "Rig",
    "RunnableArm",
    "Sample",
    "ScriptLoops",
    "Task",
    "Trial",
    "Worker",
    "answering_command",
    "arm_of",
    "calibrate",
    "choice",
    "classify",
    "effort_for",
    "has_jit",
    "jit",
    "loops",
    "loops_of",
    "measure",
    "protocols",
    "ranking",
    "with_effort",
    "worker",
]
