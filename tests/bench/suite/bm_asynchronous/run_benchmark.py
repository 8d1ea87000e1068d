"""A coroutine."""

import asyncio

import pyperf


async def work() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


if __name__ == "__main__":
    pyperf.Runner().bench_async_func("asynchronous", work)
