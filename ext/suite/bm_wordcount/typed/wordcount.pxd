import cython

@cython.locals(line=str, part=str, word=str)
cpdef count(list lines, dict counts)
