"""The results of one run: `result.json`, and the folder that holds it."""

from bench.results import result
from bench.results.folder import Folder, folder_of, kept_patches
from bench.results.result import BROKEN, FILE, ArmReport, ProtocolRecord, read

__all__ = [
    "BROKEN",
    "FILE",
    "ArmReport",
    "Folder",
    "ProtocolRecord",
    "folder_of",
    "kept_patches",
    "read",
    "result",
]
