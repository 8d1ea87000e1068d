import cython

cdef int LIMIT

@cython.locals(
    real=cython.double, imaginary=cython.double,
    real_square=cython.double, imaginary_square=cython.double, step=cython.int)
cpdef int escape(double x, double y, int limit)

@cython.locals(
    inside=cython.int, total=cython.longlong, row=cython.int, column=cython.int,
    y=cython.double, steps=cython.int)
cpdef list run(int n)
