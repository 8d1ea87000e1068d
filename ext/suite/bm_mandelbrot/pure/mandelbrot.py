"""The Mandelbrot set on a grid: float arithmetic in local names, and a function call for each point."""

LIMIT = 60


def escape(x, y, limit):
    """After how many steps the point leaves the circle of radius 2; `limit` if it stays so long."""
    real = 0.0
    imaginary = 0.0
    for step in range(limit):
        real_square = real * real
        imaginary_square = imaginary * imaginary
        if real_square + imaginary_square > 4.0:
            return step
        imaginary = 2.0 * real * imaginary + y
        real = real_square - imaginary_square + x
    return limit


def run(n):
    """[points that stay, steps of all] on a grid of `n` by `n` points."""
    inside = 0
    total = 0
    for row in range(n):
        y = 2.4 * row / n - 1.2
        for column in range(n):
            steps = escape(3.0 * column / n - 2.0, y, LIMIT)
            total += steps
            if steps == LIMIT:
                inside += 1
    return [inside, total]
