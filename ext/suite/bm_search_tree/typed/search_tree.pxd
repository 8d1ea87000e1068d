import cython

cdef class Node:
    cdef long key
    cdef Node smaller, larger

cdef class Tree:
    cdef public Node root
    cdef public long size, looks

    @cython.locals(node=Node, below=Node)
    cpdef insert(self, long key)

    @cython.locals(node=Node)
    cpdef bint has(self, long key)

@cython.locals(smaller=cython.int, larger=cython.int)
cpdef int depth(Node node)

@cython.locals(tree=Tree, key=cython.long, found=cython.int)
cpdef list run(long n)
