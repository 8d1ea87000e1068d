"""Many blocks: which one next, when to stop, what is kept on disk, and the verdicts at the end."""

from bench.session import record, verdicts
from bench.session.engine import BlockEngine, draw, drawn_block
from bench.session.folder import MissingTracker, SessionFolder, load_list
from bench.session.preparation import BenchmarkLineup, Job, Preparation
from bench.session.record import BlockRecord, SessionRecord, warmup_of, warmups_by_task
from bench.session.schedule import Schedule, ScheduledBlock
from bench.session.session import Session, SessionTerms, read_folder
from bench.session.stopping import BASE, FIRST_LOOK, Rules, settled
from bench.session.verdicts import Band, conclude

__all__ = [
    "BASE",
    "FIRST_LOOK",
    "Band",
    "BenchmarkLineup",
    "BlockEngine",
    "BlockRecord",
    "Job",
    "MissingTracker",
    "Preparation",
    "Rules",
    "Schedule",
    "ScheduledBlock",
    "Session",
    "SessionFolder",
    "SessionRecord",
    "SessionTerms",
    "conclude",
    "draw",
    "drawn_block",
    "load_list",
    "read_folder",
    "record",
    "settled",
    "verdicts",
    "warmup_of",
    "warmups_by_task",
]
