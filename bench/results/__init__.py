"""The results of one run: `result.json`, and the folder that holds it."""

from bench.results import result
from bench.results.arms import (
    ArmResult,
    CandidateResult,
    Concluded,
    FactsRecord,
    PlanArm,
    PlannedReplica,
    PlanRecord,
    RevisionRecord,
)
from bench.results.change import (
    KINDS,
    ChangeRecord,
    ChangeStep,
    FileChange,
    LineCount,
    kind_of,
)
from bench.results.describe import Changes, changes
from bench.results.folder import Folder, folder_of, kept_patches
from bench.results.result import (
    BROKEN,
    FILE,
    KEPT_FILE,
    ArmReport,
    ProtocolRecord,
    assemble,
    parse_document,
    read,
    read_document,
)
from bench.results.shape import (
    BlockResult,
    FalseCallsRecord,
    HostRecord,
    RatioRecord,
    Result,
    RungResult,
    SessionSummary,
)

__all__ = [
    "BROKEN",
    "FILE",
    "KEPT_FILE",
    "KINDS",
    "ArmReport",
    "ArmResult",
    "BlockResult",
    "CandidateResult",
    "ChangeRecord",
    "ChangeStep",
    "Changes",
    "Concluded",
    "FactsRecord",
    "FalseCallsRecord",
    "FileChange",
    "Folder",
    "HostRecord",
    "LineCount",
    "PlanArm",
    "PlanRecord",
    "PlannedReplica",
    "ProtocolRecord",
    "RatioRecord",
    "Result",
    "RevisionRecord",
    "RungResult",
    "SessionSummary",
    "assemble",
    "changes",
    "folder_of",
    "kept_patches",
    "kind_of",
    "parse_document",
    "read",
    "read_document",
    "result",
]
