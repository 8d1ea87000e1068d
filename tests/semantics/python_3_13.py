"""What series for 3.13 may not change, where one of them could: run by the patched interpreter."""

import sys

ROUNDS = 20_000
BIG = 100_000  # small ints are shared, and have no references to count


def one_int_twice_on_the_stack(operation):
    """A stack machine's DUP and an operation: both operands are the same int, which no other
    place refers to.
    """
    stack = []
    for number in range(ROUNDS):
        value = BIG + number
        stack.append(value)
        stack.append(value)
        del value
        operation(stack)
        stack.pop()


def add(stack):
    stack.append(stack.pop() + stack.pop())


def subtract(stack):
    stack.append(stack.pop() - stack.pop())


def multiply(stack):
    stack.append(stack.pop() * stack.pop())


def kept(stack):
    """The next instruction overwrites a variable whose int can take the result."""
    result = BIG * 2
    result = stack.pop() + stack.pop()
    stack.append(result)


def no_operand_is_left_behind():
    for operation in (add, subtract, multiply, kept):
        one_int_twice_on_the_stack(operation)
        before = sys.getallocatedblocks()
        one_int_twice_on_the_stack(operation)
        grown = sys.getallocatedblocks() - before
        assert grown < 100, f"{operation.__name__}: {grown} blocks in {ROUNDS} rounds"


def what_others_hold_does_not_change():
    held = [BIG + number for number in range(1000)]
    seen = list(held)
    for value in held:
        total = value
        total += 1
        total = total + total
        total -= value
        assert total == value + 2
    assert held == seen == [BIG + number for number in range(1000)]


if __name__ == "__main__":
    no_operand_is_left_behind()
    what_others_hold_does_not_change()
