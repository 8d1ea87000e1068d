"""Values of unknown kind that are tried as one and the other: exceptions as the usual way on."""

FIELDS = ("17", "2.5", "yes", "-3", "1e3", "", "0x1f", "no", "n/a", "12,5")
NAMES = {"yes": True, "no": False}


class EmptyError(Exception):
    """A field without content."""


def convert(text):
    """An int, a float, a bool or the text itself. Raises EmptyError."""
    if not text:
        raise EmptyError
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return NAMES[text]
    except KeyError:
        return text


def run(n):
    """[empty fields, numbers, their sum, bools, texts] of `n` times all fields."""
    empty = 0
    numbers = 0
    total = 0.0
    bools = 0
    texts = 0
    for _time in range(n):
        for field in FIELDS:
            try:
                value = convert(field)
            except EmptyError:
                empty += 1
                continue
            if isinstance(value, bool):
                bools += 1
            elif isinstance(value, str):
                texts += 1
            else:
                numbers += 1
                total += value
    return [empty, numbers, total, bools, texts]
