"""The longest way to 1 by Collatz's rule: integer arithmetic, comparisons and nothing else."""


def steps(number):
    """How often the rule must be applied to `number` until it is 1."""
    count = 0
    while number != 1:
        number = 3 * number + 1 if number % 2 else number // 2
        count += 1
    return count


def run(n):
    """[start, steps]: the start from 1 to `n` with the longest way; the first of equal ones."""
    best = 1
    longest = 0
    for start in range(2, n + 1):
        count = steps(start)
        if count > longest:
            best = start
            longest = count
    return [best, longest]
