"""Noughts and crosses played to every end: a function that calls itself, with ints as the board."""

LINES = (0o007, 0o070, 0o700, 0o111, 0o222, 0o444, 0o421, 0o124)
FULL = 0o777


def has_won(board):
    """Whether a player's squares, one bit each, hold a line."""
    for line in LINES:
        if board & line == line:
            return True
    return False


def best(mine, theirs):
    """1, 0 or -1: what the player whose turn it is can reach, and the positions looked at after it."""
    if has_won(theirs):
        return -1, 1
    taken = mine | theirs
    if taken == FULL:
        return 0, 1
    value = -1
    count = 1
    square = 1
    while square < FULL:
        if not taken & square:
            answer, seen = best(theirs, mine | square)
            count += seen
            if -answer > value:
                value = -answer
        square <<= 1
    return value, count


def run(n):
    """[sum of the values, positions] of the first `n` (to 72) openings of two moves."""
    value = 0
    count = 0
    openings = [(1 << i, 1 << j) for i in range(9) for j in range(9) if i != j]
    for mine, theirs in openings[:n]:
        reached, seen = best(mine, theirs)
        value += reached
        count += seen
    return [value, count]
