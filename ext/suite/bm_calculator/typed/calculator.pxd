import cython

cdef class Parser:
    cdef str text
    cdef Py_ssize_t place
    cdef Py_ssize_t size

    cpdef str peek(self)

    @cython.locals(value=cython.longlong, sign=str)
    cpdef long long total(self)

    @cython.locals(value=cython.longlong)
    cpdef long long product(self)

    @cython.locals(value=cython.longlong, first=str)
    cpdef long long factor(self)

    @cython.locals(value=cython.longlong, start=cython.Py_ssize_t)
    cpdef long long number(self)
