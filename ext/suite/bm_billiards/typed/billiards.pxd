import cython

cdef class Ball:
    cdef public double x, y, dx, dy
    cdef public int bounces

    cpdef move(self, double seconds)
    cpdef bounce(self, double width, double height)

cdef class Table:
    cdef double width, height
    cdef list balls

    @cython.locals(ball=Ball)
    cpdef play(self, int steps, double seconds)

@cython.locals(ball=Ball, balls=list)
cpdef list run(int n)
