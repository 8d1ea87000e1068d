import cython

@cython.locals(byte=cython.uint, value=cython.uint, table=list, _bit=cython.int)
cpdef list make_table()

@cython.locals(byte=cython.uchar, value=cython.uint)
cpdef unsigned int crc32(list table, bytearray data)
