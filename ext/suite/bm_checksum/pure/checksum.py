"""CRC-32 of bytes, by table: shifts, masks and the indexing of a list."""

POLYNOMIAL = 0xEDB88320


def make_table():
    """What each value of one byte adds to a checksum."""
    table = []
    for byte in range(256):
        value = byte
        for _bit in range(8):
            value = (value >> 1) ^ POLYNOMIAL if value & 1 else value >> 1
        table.append(value)
    return table


def crc32(table, data):
    """The checksum of a bytearray, as zlib.crc32 has it."""
    value = 0xFFFFFFFF
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def run(n):
    """The checksum of `n` bytes that count up from 0, over and over."""
    data = bytearray(number & 0xFF for number in range(n))
    return crc32(make_table(), data)
