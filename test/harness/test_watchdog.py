"""When a guest counts as stuck, with clocks that the test turns."""
import pytest

from banyan.hang import Limits, Watchdog

pytestmark = pytest.mark.points(0)
LIMITS = Limits(idle=60, busy=100, total=300, wall=1000)


class World:
    def __init__(self, harts=1):
        self.now = self.cpu = self.waited = 0.0
        self.disk = 0
        self.dog = Watchdog(LIMITS, harts, lambda: self.cpu, lambda: self.cpu + self.waited,
                            lambda: self.disk, lambda: self.now)

    def live(self, seconds, load, in_line=0.0):
        """`seconds` at `load` processors, looked at twice a second; the verdict. `in_line`: how
        many more it would have liked to have."""
        for _ in range(int(seconds * 2)):
            self.now += 0.5
            self.cpu += 0.5 * load
            self.waited += 0.5 * in_line
            if words := self.dog.check():
                return words
        return None


def test_idle_is_a_hang():
    assert "no output" in World().live(61, 0.0)
    assert World().live(58, 0.0) is None


def test_a_slow_host_is_no_hang():
    """A guest that gets a fifth of a processor makes progress, however late."""
    assert World().live(400, 0.2) is None


def test_a_guest_that_gets_no_processor_is_no_hang():
    """It stands in line: that is the host's fault."""
    assert World().live(400, 0.01, in_line=0.9) is None
    assert "idle" in World().live(61, 0.01, in_line=0.01)


def test_disk_requests_are_progress():
    world = World()
    for _ in range(5):
        assert world.live(50, 0.0) is None
        world.disk += 1
    assert world.live(58, 0.0) is None
    assert "idle" in world.live(5, 0.0)


def test_disk_requests_let_it_compute_on():
    world = World()
    for _ in range(2):
        assert world.live(90, 1.0) is None
        world.disk += 1
    assert "no disk request" in world.live(110, 1.0)


def test_a_slow_machine_has_more_time():
    """The boot took five times as long as it takes where the limits are as written."""
    world = World()
    world.cpu += 5 * (Watchdog.BOOT + Watchdog.BOOT_PER_HART)
    world.dog.booted()
    world.dog.output()
    assert world.dog.scale == pytest.approx(5)
    assert world.live(490, 1.0) is None
    world.dog.booted()  # only the first counts
    assert "of processor time" in world.live(20, 1.0)
    assert "idle" in World().live(61, 0.0)  # waiting takes no processor, slow or not


def test_a_fast_machine_has_no_less_and_a_slow_boot_not_without_end():
    for took, scale in ((0.01, 1), (10000, Watchdog.SCALE_MAX)):
        world = World()
        world.cpu += took
        world.dog.booted()
        assert world.dog.scale == scale


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
