import cython

cdef int FULL

@cython.locals(line=cython.int)
cpdef bint has_won(int board)

@cython.locals(
    taken=cython.int, value=cython.int, count=cython.int, square=cython.int, answer=cython.int,
    seen=cython.int)
cpdef tuple best(int mine, int theirs)
