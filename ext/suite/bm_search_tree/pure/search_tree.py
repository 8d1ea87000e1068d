"""A binary search tree: objects that are made, linked, and found again by following references."""


class Node(object):
    """A key, and the trees of the smaller and of the larger ones."""

    def __init__(self, key):
        self.key = key
        self.smaller = None
        self.larger = None


class Tree(object):
    """A set of int keys that remembers how often it looked at a node."""

    def __init__(self):
        self.root = None
        self.size = 0
        self.looks = 0

    def insert(self, key):
        """Add a key; one that is there already changes nothing."""
        if self.root is None:
            self.root = Node(key)
            self.size = 1
            return
        node = self.root
        while node.key != key:
            self.looks += 1
            below = node.smaller if key < node.key else node.larger
            if below is None:
                self.size += 1
                if key < node.key:
                    node.smaller = Node(key)
                else:
                    node.larger = Node(key)
                return
            node = below

    def has(self, key):
        """Whether a key is there."""
        node = self.root
        while node is not None:
            self.looks += 1
            if key == node.key:
                return True
            node = node.smaller if key < node.key else node.larger
        return False


def depth(node):
    """How many nodes are on the longest way down."""
    if node is None:
        return 0
    smaller = depth(node.smaller)
    larger = depth(node.larger)
    return 1 + (smaller if smaller > larger else larger)


def run(n):
    """[nodes, depth, keys found, looks] of a tree of `n` keys out of order."""
    tree = Tree()
    key = 42
    for _number in range(n):
        key = (key * 1103 + 12345) % 65536
        tree.insert(key)
    found = 0
    for key in range(0, 65536, 65536 // n):
        if tree.has(key):
            found += 1
    return [tree.size, depth(tree.root), found, tree.looks]
