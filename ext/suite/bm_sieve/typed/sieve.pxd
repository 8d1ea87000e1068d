import cython

@cython.locals(is_prime=list, found=list, number=cython.Py_ssize_t, multiple=cython.Py_ssize_t)
cpdef list primes(Py_ssize_t limit)
