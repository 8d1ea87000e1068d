"""A log that is read, filtered and summed up on its way: generators that feed generators."""


def lines(number):
    """So many lines of a server's log: time, status, bytes, path."""
    for index in range(number):
        status = 500 if index % 13 == 0 else 200
        yield "%d %d %d /page/%d" % (index * 3, status, index * 37 % 1000, index % 7)


def requests(source):
    """(second, status, bytes, path) of each line."""
    for line in source:
        second, status, size, path = line.split()
        yield int(second), int(status), int(size), path


def successful(source):
    """Those without an error of the server."""
    for request in source:
        if request[1] < 500:
            yield request


def by_minute(source):
    """(minute, requests, bytes) whenever a minute is over, and at the end."""
    minute = 0
    count = 0
    total = 0
    for second, _status, size, _path in source:
        if second // 60 != minute:
            yield minute, count, total
            minute = second // 60
            count = 0
            total = 0
        count += 1
        total += size
    yield minute, count, total


def run(n):
    """[minutes, requests, bytes of the busiest minute] of a log of `n` lines."""
    minutes = 0
    requested = 0
    busiest = 0
    for _minute, count, total in by_minute(successful(requests(lines(n)))):
        minutes += 1
        requested += count
        busiest = max(busiest, total)
    return [minutes, requested, busiest]
