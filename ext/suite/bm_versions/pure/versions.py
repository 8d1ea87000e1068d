"""Releases in their order: objects that sort() compares by a method, and a search among them."""


class Version(object):
    """A release, with a candidate's number or 0 for none; candidates come before their release."""

    def __init__(self, major, minor, micro, candidate):
        self.major = major
        self.minor = minor
        self.micro = micro
        self.candidate = candidate

    def __lt__(self, other):
        if self.major != other.major:
            return self.major < other.major
        if self.minor != other.minor:
            return self.minor < other.minor
        if self.micro != other.micro:
            return self.micro < other.micro
        if self.candidate == 0:
            return False
        return other.candidate == 0 or self.candidate < other.candidate


def place_of(version, ordered):
    """How many of the ordered ones come before it."""
    low = 0
    high = len(ordered)
    while low < high:
        middle = (low + high) // 2
        if ordered[middle] < version:
            low = middle + 1
        else:
            high = middle
    return low


def run(n):
    """[the newest version's numbers, the sum of all places] of `n` versions out of order."""
    versions = []
    for number in range(n):
        mixed = number * 7919 % 10007
        versions.append(Version(mixed % 4, mixed // 4 % 14, mixed // 56 % 20, mixed // 1120 % 4))
    ordered = sorted(versions)
    places = 0
    for version in versions:
        places += place_of(version, ordered)
    newest = ordered[-1]
    return [newest.major, newest.minor, newest.micro, newest.candidate, places]
