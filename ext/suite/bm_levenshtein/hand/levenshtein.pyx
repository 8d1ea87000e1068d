"""The nearest word by edit distance, on the characters' bytes and two C rows."""

KNOWN = (
    "interpreter", "bytecode", "evaluation", "dictionary", "attribute", "generator",
    "exception", "comparison", "allocation", "reference", "iteration", "recursion",
)
TYPED = ("interperter", "bitecode", "evalution", "dictonary", "atribute", "genrator")

cdef enum:
    LONGEST = 64


cdef int distance(bytes left, bytes right) except -1:
    cdef int[LONGEST] rows_a, rows_b
    cdef int *before = rows_a
    cdef int *here = rows_b
    cdef const char *a = left
    cdef const char *b = right
    cdef int width = <int>len(right) + 1
    cdef int height = <int>len(left) + 1
    cdef int row, column, replaced, shorter
    if width > LONGEST:
        raise ValueError("the word is too long")
    for column in range(width):
        before[column] = column
    for row in range(1, height):
        here[0] = row
        for column in range(1, width):
            replaced = before[column - 1] + (a[row - 1] != b[column - 1])
            shorter = min(before[column], here[column - 1]) + 1
            here[column] = min(replaced, shorter)
        before, here = here, before
    return before[width - 1]


def run(int n):
    """[sum of distances, the words in the order they were found], `n` words looked up."""
    cdef int number
    words = [(known.encode("ascii"), known) for known in KNOWN]
    typed = [word.encode("ascii") for word in TYPED]
    total = 0
    found = []
    for number in range(n):
        word = typed[number % len(typed)]
        far, known = min([(distance(word, coded), known) for coded, known in words])
        total += far
        if known not in found:
            found.append(known)
    return [total, found]
