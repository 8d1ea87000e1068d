"""Heat that spreads over a plate, by relaxation: floats in lists of lists."""


def plate(size):
    """A cold plate, its upper edge hot."""
    return [[100.0] * size] + [[0.0] * size for _row in range(size - 1)]


def spread(old, new, size):
    """One step: each inner point becomes the mean of its four neighbours. The largest change."""
    largest = 0.0
    for row in range(1, size - 1):
        above = old[row - 1]
        here = old[row]
        below = old[row + 1]
        target = new[row]
        for column in range(1, size - 1):
            mean = 0.25 * (above[column] + below[column] + here[column - 1] + here[column + 1])
            change = abs(mean - here[column])
            if change > largest:
                largest = change
            target[column] = mean
    return largest


def run(n):
    """[largest change of the last step, sum of all temperatures] after `n` steps, 40 by 40."""
    size = 40
    old = plate(size)
    new = plate(size)
    change = 0.0
    for _step in range(n):
        change = spread(old, new, size)
        old, new = new, old
    # Not by sum(), which compensates errors from 3.12 on and gives another last digit.
    total = 0.0
    for row in old:
        for temperature in row:
            total += temperature
    return [change, total]
