import cython

@cython.locals(
    largest=cython.double, row=cython.Py_ssize_t, column=cython.Py_ssize_t, mean=cython.double,
    change=cython.double, above=list, here=list, below=list, target=list)
cpdef double spread(list old, list new, Py_ssize_t size)

@cython.locals(
    size=cython.Py_ssize_t, change=cython.double, total=cython.double, row=list,
    temperature=cython.double)
cpdef list run(int n)
