"""CRC-32 of bytes, with the table in a C array."""

cdef unsigned int TABLE[256]


cdef void make_table() noexcept:
    cdef unsigned int byte, value
    cdef int bit
    for byte in range(256):
        value = byte
        for bit in range(8):
            value = (value >> 1) ^ 0xEDB88320U if value & 1 else value >> 1
        TABLE[byte] = value


cdef unsigned int crc32(const unsigned char *data, Py_ssize_t size) noexcept:
    cdef unsigned int value = 0xFFFFFFFFU
    cdef Py_ssize_t index
    for index in range(size):
        value = TABLE[(value ^ data[index]) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFFU


def run(Py_ssize_t n):
    """The checksum of `n` bytes that count up from 0, over and over."""
    cdef bytearray data = bytearray(n)
    cdef unsigned char *bytes_of = data
    cdef Py_ssize_t number
    for number in range(n):
        bytes_of[number] = number & 0xFF
    make_table()
    return crc32(bytes_of, n)
