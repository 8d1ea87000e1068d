import cython

cdef class Version:
    cdef public int major, minor, micro, candidate

@cython.locals(low=cython.Py_ssize_t, high=cython.Py_ssize_t, middle=cython.Py_ssize_t)
cpdef Py_ssize_t place_of(Version version, list ordered)
