"""What a session cannot measure: told and on disk as it comes."""

from __future__ import annotations

from collections.abc import Callable

from bench.session_folder import Loss, SessionFolder


class Losses:
    """Tasks that are missing, and arms of tasks of which the others are measured."""

    def __init__(self, folder: SessionFolder, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._say = say
        self._tasks = folder.losses()
        self._arms = folder.lost_arms()

    def of(self, task: str) -> Loss | None:
        """Why a task is missing; None where it is not."""
        return self._tasks.get(task)

    def arms(self, task: str) -> tuple[str, ...]:
        """The arms that are missing for a task alone."""
        return tuple(self._arms.get(task, ()))

    def arm_seconds(self) -> float:
        """What was spent on arms until they were given up."""
        return sum(one.seconds for arms in self._arms.values() for one in arms.values())

    def lose(self, task: str, reason: str, seconds: float = 0.0) -> None:
        """Give a task up, unless it is already."""
        if task not in self._tasks:
            self._tasks[task] = Loss(reason=reason, seconds=seconds)
            self._say(f"{task} is missing: {reason}")
            self._folder.keep_losses(self._tasks)

    def lose_arm(self, task: str, arm: str, reason: str, seconds: float = 0.0) -> None:
        """Give one arm of a task up, unless it is already; the others go on."""
        arms = self._arms.setdefault(task, {})
        if arm not in arms:
            arms[arm] = Loss(reason=reason, seconds=seconds)
            self._say(f"{task} is missing for {arm}: {reason}")
            self._folder.keep_lost_arms(self._arms)
