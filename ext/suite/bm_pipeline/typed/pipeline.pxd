import cython

# Generators take no types from outside: what remains is what sums up.
@cython.locals(minutes=cython.long, requested=cython.long, busiest=cython.long, count=cython.long,
               total=cython.long)
cpdef list run(long n)
