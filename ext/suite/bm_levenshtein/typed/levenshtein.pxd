import cython

@cython.locals(
    width=cython.Py_ssize_t, row=cython.Py_ssize_t, column=cython.Py_ssize_t, before=list,
    here=list, replaced=cython.int, shorter=cython.int, longer=cython.int)
cpdef int distance(str left, str right)
