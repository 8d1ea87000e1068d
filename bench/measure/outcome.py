"""From the processes of a block to its trials: the result of each, or its failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.measure import worker
from bench.measure.trial import BlockPlan, Failure, Trial, published_result
from bench.measure.worker import GONE, Live, Rig


def outcome(
    live: Live, block: BlockPlan, rig: Rig, *, protocol: str, clock: str, position: int
) -> Trial:
    """Let a worker end, and read its result."""
    if live.message != GONE:
        live.finish()
    completed = live.wait_for_end(rig.timeout)
    if completed.timed_out:
        return failed(live, position, late(live, rig))
    if not completed.ok:
        return failed(live, position, live.failure(completed.how()))
    result = worker.read_result(live.worker)
    if result is None:
        return failed(live, position, live.failure("wrote no result"))
    return Trial(
        arm=live.arm.name,
        replica=live.arm.replica,
        position=position,
        spent=live.spent(),
        result=published_result(
            result,
            block,
            live.arm,
            protocol=protocol,
            clock=clock,
            position=position,
            drawn=live.worker.addresses is not None,
            host=rig.host,
            places=rig.places,
        ),
    )


def late(live: Live, rig: Rig) -> Failure:
    """The failure of a worker that exceeded the time-out."""
    return live.failure(f"was stopped: no response for {rig.timeout:.0f} s (time-out)")


def failed(live: Live, position: int, failure: Failure) -> Trial:
    """The trial of a worker that failed."""
    return Trial(
        arm=live.arm.name,
        replica=live.arm.replica,
        position=position,
        failure=failure,
        spent=live.spent(),
    )


def all_stopped(
    block: BlockPlan, rig: Rig, live: Mapping[int, Live], order: Sequence[int]
) -> dict[int, Trial]:
    """The trials, by number, of a block that ended because one arm hung.

    `live` are the workers that were started.
    """
    hung = next(started for started in live.values() if started.late)
    trials = {}
    for number, arm in enumerate(block.arms):
        position = order.index(number)
        if live.get(number) is hung:
            trials[number] = failed(hung, position, late(hung, rig))
            continue
        failure = Failure(reason=f"{arm.name} was stopped because {hung.arm.name} hung", own=False)
        trials[number] = Trial(
            arm=arm.name, replica=arm.replica, position=position, failure=failure
        )
    return trials


def refused(block: BlockPlan, reason: str) -> tuple[Trial, ...]:
    """The trials of a block that was not started."""
    failure = Failure(reason=reason, own=False)
    return tuple(
        Trial(arm=arm.name, replica=arm.replica, position=number, failure=failure)
        for number, arm in enumerate(block.arms)
    )
