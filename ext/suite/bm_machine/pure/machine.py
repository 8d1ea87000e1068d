"""A machine with a stack that runs small programs: an interpreter's loop, written in Python."""

PUSH, LOAD, STORE, ADD, SUBTRACT, REMAINDER, JUMP, JUMP_IF_ZERO, HALT = range(9)

# The greatest common divisor of a and b (Euclid), a and b in the places 0 and 1.
GREATEST_DIVISOR = (
    (LOAD, 1), (JUMP_IF_ZERO, 9),
    (LOAD, 1), (LOAD, 0), (LOAD, 1), (REMAINDER, 0), (STORE, 1), (STORE, 0), (JUMP, 0),
    (HALT, 0),
)  # fmt: skip
# The sum of the numbers from 1 to that in place 0, made in place 1.
SUM_TO = (
    (LOAD, 0), (JUMP_IF_ZERO, 11),
    (LOAD, 1), (LOAD, 0), (ADD, 0), (STORE, 1),
    (LOAD, 0), (PUSH, 1), (SUBTRACT, 0), (STORE, 0), (JUMP, 0),
    (HALT, 0),
)  # fmt: skip


def execute(program, places):
    """Run `program` on the numbers in `places` until it halts; how many instructions that took."""
    stack = []
    counter = 0
    count = 0
    while True:
        operation, argument = program[counter]
        counter += 1
        count += 1
        if operation == PUSH:
            stack.append(argument)
        elif operation == LOAD:
            stack.append(places[argument])
        elif operation == STORE:
            places[argument] = stack.pop()
        elif operation == ADD:
            right = stack.pop()
            stack.append(stack.pop() + right)
        elif operation == SUBTRACT:
            right = stack.pop()
            stack.append(stack.pop() - right)
        elif operation == REMAINDER:
            right = stack.pop()
            stack.append(stack.pop() % right)
        elif operation == JUMP:
            counter = argument
        elif operation == JUMP_IF_ZERO:
            if stack.pop() == 0:
                counter = argument
        else:
            return count


def run(n):
    """[instructions, sum of the divisors, last sum]: `n` runs of either program."""
    count = 0
    divisors = 0
    places = [0, 0]
    for number in range(n):
        places = [number + 1071, 462]
        count += execute(GREATEST_DIVISOR, places)
        divisors += places[0]
        places = [number % 50, 0]
        count += execute(SUM_TO, places)
    return [count, divisors, places[1]]
