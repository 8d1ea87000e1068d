"""A cache that forgets what was not used for longest: a dict into a ring of linked objects."""


class Entry(object):
    """A key with its value, between the entries that were used before and after it."""

    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.older = self
        self.newer = self


class Cache(object):
    """Keeps so many entries. The ring begins and ends at `ring`, an entry that holds nothing."""

    def __init__(self, room):
        self.room = room
        self.entries = {}
        self.ring = Entry(-1, -1)
        self.hits = 0
        self.misses = 0

    def unlink(self, entry):
        """Take an entry out of the ring."""
        entry.older.newer = entry.newer
        entry.newer.older = entry.older

    def link(self, entry):
        """Put an entry into the ring as the newest."""
        entry.older = self.ring.older
        entry.newer = self.ring
        entry.older.newer = entry
        self.ring.older = entry

    def get(self, key):
        """The value of a key; -1 if it is not there, or not any more."""
        entry = self.entries.get(key)
        if entry is None:
            self.misses += 1
            return -1
        self.hits += 1
        self.unlink(entry)
        self.link(entry)
        return entry.value

    def put(self, key, value):
        """Keep a new key, and forget another where there is no room."""
        if len(self.entries) == self.room:
            oldest = self.ring.newer
            self.unlink(oldest)
            del self.entries[oldest.key]
        entry = Entry(key, value)
        self.entries[key] = entry
        self.link(entry)


def run(n):
    """[hits, misses, sum of the values that were found] of `n` questions."""
    cache = Cache(100)
    total = 0
    key = 1
    for number in range(n):
        key = (key * 75 + 74) % 65537
        wanted = key % 60 if key % 3 else key % 400
        value = cache.get(wanted)
        if value < 0:
            cache.put(wanted, number % 1000)
        else:
            total += value
    # The ring would keep itself alive until the garbage collector comes.
    oldest = cache.ring.newer
    cache.entries.clear()
    while oldest is not cache.ring:
        newer = oldest.newer
        oldest.newer = oldest.older = None
        oldest = newer
    cache.ring.newer = cache.ring.older = None
    return [cache.hits, cache.misses, total]
