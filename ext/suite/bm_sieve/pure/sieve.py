"""The sieve of Eratosthenes: the reading and writing of a list's items, one by one."""


def primes(limit):
    """All primes below `limit`, which is 2 or more."""
    is_prime = [True] * limit
    found = []
    for number in range(2, limit):
        if is_prime[number]:
            found.append(number)
            multiple = number * number
            while multiple < limit:
                is_prime[multiple] = False
                multiple += number
    return found


def run(n):
    """[how many primes are below `n`, the last of them, their sum]."""
    found = primes(n)
    return [len(found), found[-1], sum(found)]
