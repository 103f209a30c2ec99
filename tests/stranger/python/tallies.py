"""A module that somebody has installed for himself; it has a version and is upgraded."""


def histogram(values, n):
    """The start of each of n bins, and how many values are in it."""
    low, high = min(values), max(values)
    counts = [0] * n
    for v in values:
        counts[min(n - 1, int((v - low) / (high - low) * n))] += 1
    return [(low + (high - low) * i / n, count) for i, count in enumerate(counts)]
