import cython

cdef class Entry:
    cdef long key, value
    cdef Entry older, newer

cdef class Cache:
    cdef Py_ssize_t room
    cdef public dict entries
    cdef public Entry ring
    cdef public long hits, misses

    cpdef unlink(self, Entry entry)
    cpdef link(self, Entry entry)

    @cython.locals(entry=Entry)
    cpdef long get(self, long key)

    @cython.locals(entry=Entry, oldest=Entry)
    cpdef put(self, long key, long value)

@cython.locals(
    cache=Cache, total=cython.long, key=cython.long, number=cython.long, wanted=cython.long,
    value=cython.long, oldest=Entry, newer=Entry)
cpdef list run(long n)
