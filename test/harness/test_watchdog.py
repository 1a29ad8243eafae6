"""When a guest counts as stuck, with clocks that the test turns."""
import pytest

from banyan.hang import Limits, Watchdog

pytestmark = pytest.mark.points(0)
LIMITS = Limits(idle=60, busy=100, total=300, wall=1000)


class World:
    def __init__(self, harts=1):
        self.now = self.cpu = 0.0
        self.dog = Watchdog(LIMITS, harts, lambda: self.cpu, lambda: self.now)

    def live(self, seconds, load):
        """`seconds` at `load` processors, looked at twice a second; the verdict."""
        for _ in range(int(seconds * 2)):
            self.now += 0.5
            self.cpu += 0.5 * load
            if words := self.dog.check():
                return words
        return None


def test_idle_is_a_hang():
    assert "no output" in World().live(61, 0.0)
    assert World().live(58, 0.0) is None


def test_a_slow_host_is_no_hang():
    """A guest that gets a fifth of a processor makes progress, however late."""
    assert World().live(400, 0.2) is None


def test_spinning_is_a_hang():
    assert "of processor time" in World().live(101, 1.0)


def test_spinning_counts_per_hart():
    assert World(harts=4).live(90, 4.0) is None
    assert "of processor time" in World(harts=4).live(101, 4.0)


def test_output_is_progress():
    world = World()
    for _ in range(5):
        assert world.live(50, 0.0) is None
        world.dog.output()


def test_endless_chatter_ends():
    world = World()
    verdict = None
    for _ in range(400):
        verdict = verdict or world.live(1, 1.0)
        world.dog.output()
    assert "not done" in verdict


def test_host_time_is_last():
    world = World()
    verdict = None
    for _ in range(1100):
        verdict = verdict or world.live(1, 0.1)
        world.dog.output()
    assert verdict == "not done after 1000 s"
