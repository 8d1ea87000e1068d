"""From the processes of a block to its trials: what each measured, or why it did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.measure import worker
from bench.measure.trial import BlockPlan, Failure, Trial, described
from bench.measure.worker import GONE, Live, Rig


def outcome(
    live: Live, block: BlockPlan, rig: Rig, *, protocol: str, clock: str, position: int
) -> Trial:
    """Let a worker end and read what it wrote."""
    if live.asked != GONE:
        live.finish()
    done = live.ended(rig.timeout)
    if done.timed_out:
        return failed(live, position, late(live, rig))
    if not done.ok:
        return failed(live, position, live.failure(done.how()))
    result = worker.read_result(live.worker)
    if result is None:
        return failed(live, position, live.failure("wrote no result"))
    return Trial(
        arm=live.arm.name,
        replica=live.arm.replica,
        position=position,
        spent=live.spent(),
        result=described(
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
    """The failure of a worker that was waited for in vain."""
    return live.failure(f"was stopped: nothing came for {rig.timeout:.0f} s (time-out)")


def failed(live: Live, position: int, failure: Failure) -> Trial:
    """The trial of a worker that measured nothing."""
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
    """The trials of a block that one hanging arm ended, by number; `live` are those started."""
    hung = next(one for one in live.values() if one.late)
    trials = {}
    for number, arm in enumerate(block.arms):
        position = order.index(number)
        one = live.get(number)
        if one is hung:
            trials[number] = failed(one, position, late(one, rig))
            continue
        failure = Failure(reason=f"{arm.name} was stopped, since {hung.arm.name} hung", own=False)
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
