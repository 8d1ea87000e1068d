"""Balls on a table without friction: attributes of objects, read and written in methods."""


class Ball(object):
    """A ball of radius 0 and mass 1."""

    def __init__(self, x, y, dx, dy):
        self.x = x
        self.y = y
        self.dx = dx
        self.dy = dy
        self.bounces = 0

    def move(self, seconds):
        """Move in a straight line for so long."""
        self.x += self.dx * seconds
        self.y += self.dy * seconds

    def bounce(self, width, height):
        """Come back from a cushion that was passed."""
        if self.x < 0.0:
            self.x = -self.x
            self.dx = -self.dx
            self.bounces += 1
        elif self.x > width:
            self.x = 2.0 * width - self.x
            self.dx = -self.dx
            self.bounces += 1
        if self.y < 0.0:
            self.y = -self.y
            self.dy = -self.dy
            self.bounces += 1
        elif self.y > height:
            self.y = 2.0 * height - self.y
            self.dy = -self.dy
            self.bounces += 1


class Table(object):
    """A table with balls on it."""

    def __init__(self, width, height, balls):
        self.width = width
        self.height = height
        self.balls = balls

    def play(self, steps, seconds):
        """Let all balls roll for so many steps of so many seconds."""
        for _step in range(steps):
            for ball in self.balls:
                ball.move(seconds)
                ball.bounce(self.width, self.height)


def run(n):
    """[bounces, x of the first ball, y of the last] after `n` steps of 15 balls."""
    balls = [Ball(0.1 * i, 0.05 * i, 1.0 + 0.3 * i, 2.0 - 0.25 * i) for i in range(15)]
    Table(2.54, 1.27, balls).play(n, 0.01)
    return [sum([ball.bounces for ball in balls]), balls[0].x, balls[-1].y]
