"""Locks for which a run may wait long: a queue beside flock(2), and who is in it."""

from builder.locks.order import LockOrder
from builder.locks.place import host_lock
from builder.locks.queue import Queue

__all__ = ["LockOrder", "Queue", "host_lock"]
