import cython

cdef dict NAMES
cdef tuple FIELDS

cpdef convert(str text)

@cython.locals(
    empty=cython.long, numbers=cython.long, total=cython.double, bools=cython.long,
    texts=cython.long, field=str)
cpdef list run(long n)
