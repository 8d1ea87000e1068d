import cython

cdef int PUSH, LOAD, STORE, ADD, SUBTRACT, REMAINDER, JUMP, JUMP_IF_ZERO, HALT

@cython.locals(
    stack=list, counter=cython.Py_ssize_t, count=cython.longlong, operation=cython.int,
    argument=cython.Py_ssize_t, right=cython.longlong)
cpdef long long execute(tuple program, list places)
