"""The sieve of Eratosthenes, on the bytes of a bytearray."""


cdef list primes(Py_ssize_t limit):
    cdef bytearray marks = bytearray(limit)
    cdef unsigned char *crossed_out = marks
    cdef Py_ssize_t number, multiple
    cdef list found = []
    for number in range(2, limit):
        if not crossed_out[number]:
            found.append(number)
            multiple = number * number
            while multiple < limit:
                crossed_out[multiple] = 1
                multiple += number
    return found


def run(Py_ssize_t n):
    """[how many primes are below `n`, the last of them, their sum]."""
    found = primes(n)
    return [len(found), found[-1], sum(found)]
