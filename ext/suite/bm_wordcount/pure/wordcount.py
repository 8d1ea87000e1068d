"""The most frequent words of a text: methods of str, and a dict that is read and written a lot."""

TEXT = """The interpreter reads a bytecode, looks up what it means, and jumps. It reads the next one,
and the next; a loop of a program is many turns of the loop of the interpreter. What the program
wants (an addition, an attribute, a call) is a small part of what is done: the operands are taken
from a stack, their types are asked, their references are counted, and a new object is made for what
comes of it. The name is looked up in a dictionary; the dictionary is asked again for the next name."""
LINES = TEXT.splitlines()


def count(lines, counts):
    """Add the words of some lines to `counts`, without punctuation and in lower case."""
    for line in lines:
        for part in line.split():
            word = part.strip(".,;:()").lower()
            if word in counts:
                counts[word] += 1
            else:
                counts[word] = 1


def frequent(counts, number):
    """[word, count] of the `number` most frequent, in the alphabet's order where equal."""
    ordered = sorted((-times, word) for word, times in counts.items())
    return [[word, -times] for times, word in ordered[:number]]


def run(n):
    """[different words, the five most frequent with their counts] of `n` copies of the text."""
    counts = {}
    for _copy in range(n):
        count(LINES, counts)
    return [len(counts), frequent(counts, 5)]
