"""The nearest word by edit distance, as a spelling checker does it: characters of str, rows of int."""

KNOWN = (
    "interpreter", "bytecode", "evaluation", "dictionary", "attribute", "generator",
    "exception", "comparison", "allocation", "reference", "iteration", "recursion",
)  # fmt: skip
TYPED = ("interperter", "bitecode", "evalution", "dictonary", "atribute", "genrator")


def distance(left, right):
    """How many letters must be inserted, removed or replaced to make one of the other."""
    width = len(right) + 1
    before = list(range(width))
    for row in range(1, len(left) + 1):
        letter = left[row - 1]
        here = [row] * width
        for column in range(1, width):
            replaced = before[column - 1]
            if letter != right[column - 1]:
                replaced += 1
            shorter = before[column] + 1
            longer = here[column - 1] + 1
            if longer < shorter:
                shorter = longer
            here[column] = replaced if replaced < shorter else shorter
        before = here
    return before[width - 1]


def nearest(word, words):
    """(distance, word): the nearest of `words`, the first of equal ones in the alphabet."""
    return min((distance(word, known), known) for known in words)


def run(n):
    """[sum of distances, the words in the order they were found], `n` words looked up."""
    total = 0
    found = []
    for number in range(n):
        far, known = nearest(TYPED[number % len(TYPED)], KNOWN)
        total += far
        if known not in found:
            found.append(known)
    return [total, found]
