import cython

@cython.locals(count=cython.longlong)
cpdef long long steps(long long number)

@cython.locals(best=cython.longlong, longest=cython.longlong, start=cython.longlong, count=cython.longlong)
cpdef list run(long long n)
