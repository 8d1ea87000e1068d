import cython

cdef class Wire:
    cdef public int level
    cpdef int read(self)

cdef class Gate(Wire):
    cdef Wire left, right

cdef class And(Gate):
    cpdef int read(self)

cdef class Or(Gate):
    cpdef int read(self)

cdef class Xor(Gate):
    cpdef int read(self)

cdef class Latch(Wire):
    cdef Wire source
    cpdef look(self)

cdef class Adder:
    cdef list left, right, sums, carries

    @cython.locals(place=cython.Py_ssize_t, wire=Wire, carry=Latch, result=cython.int)
    cpdef int add(self, int left, int right)
