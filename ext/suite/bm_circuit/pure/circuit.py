"""Logic gates that make up an adder: a graph of objects, and methods that differ by class."""


class Wire(object):
    """What carries 0 or 1; a wire alone has what it was set to."""

    def __init__(self, level):
        self.level = level

    def read(self):
        """0 or 1."""
        return self.level


class Gate(Wire):
    """A wire whose level two others decide."""

    def __init__(self, left, right):
        self.level = 0
        self.left = left
        self.right = right


class And(Gate):
    """1 where both are 1."""

    def read(self):
        return self.left.read() & self.right.read()


class Or(Gate):
    """1 where one is 1, or both."""

    def read(self):
        return self.left.read() | self.right.read()


class Xor(Gate):
    """1 where one is 1, not both."""

    def read(self):
        return self.left.read() ^ self.right.read()


class Latch(Wire):
    """Keeps what another wire had when it was last told to look."""

    def __init__(self, source):
        self.level = 0
        self.source = source

    def look(self):
        """Take the other's level."""
        self.level = self.source.read()


class Adder(object):
    """Adds two numbers of so many bits, from full adders one after the other."""

    def __init__(self, bits):
        self.left = [Wire(0) for _bit in range(bits)]
        self.right = [Wire(0) for _bit in range(bits)]
        self.sums = []
        self.carries = []
        carry = Wire(0)
        for left, right in zip(self.left, self.right):
            either = Xor(left, right)
            self.sums.append(Xor(either, carry))
            carry = Latch(Or(And(left, right), And(either, carry)))
            self.carries.append(carry)

    def add(self, left, right):
        """The sum, without what does not fit into the bits."""
        for place in range(len(self.left)):
            self.left[place].level = left >> place & 1
            self.right[place].level = right >> place & 1
        for carry in self.carries:
            carry.look()
        result = 0
        for place in range(len(self.sums)):
            result |= self.sums[place].read() << place
        return result


def run(n):
    """The number that `n` additions lead to."""
    adder = Adder(16)
    value = 1
    for number in range(n):
        value = adder.add(value, number * 7919 & 0xFFFF)
    return value
