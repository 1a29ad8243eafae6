"""Who waits for whom, as text. Plain Python: gdb_threads.py uses it inside gdb, tests outside."""


def cycles(edges):
    """The rings in {waiter: holder}, each from its smallest member on, smallest first."""
    found = set()
    for start in edges:
        path = [start]
        while path[-1] in edges and edges[path[-1]] not in path:
            path.append(edges[path[-1]])
        following = edges.get(path[-1])
        if following is not None:
            ring = path[path.index(following):]
            least = ring.index(min(ring))
            found.add(tuple(ring[least:] + ring[:least]))
    return sorted(found)


def describe(edges, names):
    """The lines of a report. edges: {pid: set of pids that must act for it}; names: {pid: name}."""
    def name(pid):
        return f"{pid} {names[pid]}" if pid in names else f"{pid} (gone)"

    lines = [f"{name(waiter)} -> {', '.join(map(name, sorted(holders)))}"
             for waiter, holders in sorted(edges.items()) if holders]
    for ring in cycles({waiter: min(holders) for waiter, holders in edges.items()
                        if len(holders) == 1}):
        lines.append("CYCLE: " + " -> ".join(map(name, ring + ring[:1])))
    return lines or ["(nobody waits for another process)"]
