"""A calculator for sums in writing: the scanning of a str, and methods that call each other deeply."""

DIGITS = "0123456789"


class Parser(object):
    """Reads one sum from left to right; `place` is the index of the next character."""

    def __init__(self, text):
        self.text = text
        self.place = 0
        self.size = len(text)

    def peek(self):
        """The next character that is no blank; "" at the end."""
        while self.place < self.size and self.text[self.place] == " ":
            self.place += 1
        return self.text[self.place] if self.place < self.size else ""

    def total(self):
        """product { ("+" | "-") product }"""
        value = self.product()
        while True:
            sign = self.peek()
            if sign == "+":
                self.place += 1
                value += self.product()
            elif sign == "-":
                self.place += 1
                value -= self.product()
            else:
                return value

    def product(self):
        """factor { "*" factor }"""
        value = self.factor()
        while self.peek() == "*":
            self.place += 1
            value *= self.factor()
        return value

    def factor(self):
        """number | "(" total ")" | "-" factor"""
        first = self.peek()
        if first == "(":
            self.place += 1
            value = self.total()
            if self.peek() != ")":
                raise ValueError("a bracket is open at %d" % self.place)
            self.place += 1
            return value
        if first == "-":
            self.place += 1
            return -self.factor()
        return self.number()

    def number(self):
        """A number of decimal digits."""
        start = self.place
        value = 0
        while self.place < self.size and self.text[self.place] in DIGITS:
            value = 10 * value + DIGITS.index(self.text[self.place])
            self.place += 1
        if self.place == start:
            raise ValueError("a number is missing at %d" % start)
        return value


def run(n):
    """The sum of what `n` texts come to."""
    result = 0
    for number in range(n):
        text = "(%d + 17) * 3 - (2 * (%d - 40) + -(8 * 5)) * (6 + 1)" % (number, number)
        result += Parser(text).total()
    return result
