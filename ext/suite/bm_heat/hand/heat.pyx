"""Heat that spreads over a plate, by relaxation, on two C arrays."""

from libc.math cimport fabs

cdef enum:
    SIZE = 40


cdef void fill(double (*plate)[SIZE]) noexcept:
    cdef int row, column
    for row in range(SIZE):
        for column in range(SIZE):
            plate[row][column] = 100.0 if row == 0 else 0.0


cdef double spread(double (*old)[SIZE], double (*new)[SIZE]) noexcept:
    cdef double largest = 0.0, mean, change
    cdef int row, column
    for row in range(1, SIZE - 1):
        for column in range(1, SIZE - 1):
            mean = 0.25 * (
                old[row - 1][column] + old[row + 1][column]
                + old[row][column - 1] + old[row][column + 1])
            change = fabs(mean - old[row][column])
            if change > largest:
                largest = change
            new[row][column] = mean
    return largest


def run(int n):
    """[largest change of the last step, sum of all temperatures] after `n` steps, 40 by 40."""
    cdef double[SIZE][SIZE] even, odd
    cdef double change = 0.0
    cdef int step
    fill(even)
    fill(odd)
    for step in range(n):
        change = spread(odd, even) if step % 2 else spread(even, odd)
    cdef double total = 0.0
    cdef int row, column
    for row in range(SIZE):
        for column in range(SIZE):
            total += odd[row][column] if n % 2 else even[row][column]
    return [change, total]
