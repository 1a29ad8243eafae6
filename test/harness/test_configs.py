"""Which machines guest tests run on: pairs, draws, and what asks for others."""
import itertools

import pytest

from banyan import configs
from banyan.cases import guest_tests
from banyan.configs import AXES, all_pairs, draw, pairs
from banyan.selection import cases_of
from banyan.settings import OF_A_RUN

pytestmark = pytest.mark.points(0)
DOMAINS = [list(values) for values in AXES.values()]


@pytest.fixture
def fork(tmp_path, monkeypatch):
    """The runs of a test of two lines, with the given variables and no others."""
    source = tmp_path / "fork.c"
    source.write_text('/* test: points=2 kargs="" */\n/* test: cpus=2 kargs="asidbits=0" */\n')
    for name in OF_A_RUN:
        monkeypatch.delenv(name, raising=False)

    def runs(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return cases_of(guest_tests(source))
    return runs


@pytest.mark.parametrize("domains", [DOMAINS, [["a"]], [["a", "b"]], [["a", "b"], ["c"], ["d"]],
                                     [list("abc"), list("defg"), list("hi"), list("jk")]],
                         ids=["all", "one", "two", "thin", "other"])
def test_all_pairs(domains):
    rows = all_pairs(domains, 7, "x")
    wanted = set().union(*(pairs(row) for row in itertools.product(*domains)))
    assert set().union(*map(pairs, rows)) == wanted
    assert all(value in values for row in rows for value, values in zip(row, domains))
    assert rows and len(rows) == len(set(rows))
    sizes = sorted(map(len, domains))[-2:]
    assert len(rows) <= 2 * sizes[0] * sizes[-1]
    assert all_pairs(domains, 7, "x") == rows


@pytest.mark.parametrize("domains", [DOMAINS, [["a", "b"], ["c"], ["", "on"]], [["a"], ["", "on"]],
                                     [["a", "b"], ["on"]], [["a", "b"], [""]]],
                         ids=["all", "two", "one", "only", "none"])
def test_all_pairs_with_few_of_a_kind(domains):
    """All pairs all the same; the value that costs much is in no more rows than it must."""
    kind = domains[-1][-1] if len(domains[-1]) > 1 else "on"
    rows = configs.all_pairs_but_few(domains, len(domains) - 1, kind, (), 7, "x")
    wanted = set().union(*(pairs(row) for row in itertools.product(*domains)))
    assert set().union(*map(pairs, rows)) == wanted and len(rows) == len(set(rows))
    if len(domains[-1]) > 1:
        few = sum(row[-1] == kind for row in rows)
        assert few <= max(map(len, domains)) + 2
        assert len(rows) - few <= len(all_pairs(domains[:-1], 7, "x"))


@pytest.mark.parametrize("seed", range(5))
def test_few_of_a_kind_spare_what_costs_most(seed):
    """Where there is something else; and all pairs with the rest are shown."""
    last = len(DOMAINS) - 1
    rows = configs.all_pairs_but_few(DOMAINS, last, "debug=on", configs.SPARED, seed)
    rest = [[value for value in values if value not in configs.SPARED] for values in DOMAINS]
    few = {row for row in rows if row[last] == "debug=on"}
    with_it = set().union(*(pairs(row) for row in itertools.product(*rest[:last], ["debug=on"])))
    assert {pair for pair in with_it if pair[1][0] == last} <= set().union(*map(pairs, few))
    assert not [row for row in few if set(row) & set(configs.SPARED)] and len(few) <= 5
    plain = set().union(*(pairs(row) for row in itertools.product(*DOMAINS[:last], [""])))
    assert plain <= set().union(*map(pairs, rows))
    row, = configs.all_pairs_but_few([["mem=2G"], ["", "on"]], 1, "on", configs.SPARED, seed)[1:]
    assert row == ("mem=2G", "")


def test_draw_depends_on_seed_and_name_alone():
    assert draw(DOMAINS, 5, "fork") == draw(DOMAINS, 5, "fork")
    assert len({draw(DOMAINS, seed, "fork") for seed in range(50)}) > 10
    assert len({draw(DOMAINS, 5, name) for name in map(str, range(50))}) > 10


def test_ordinarily_one_machine_each(fork):
    runs = fork(SEED="3")
    assert [run.test.identity for run in runs] == ["fork", "fork[asidbits=0]"]
    assert [run.identity for run in fork(SEED="3")] == [run.identity for run in runs]
    assert any(fork(SEED=str(seed))[0].identity != runs[0].identity for seed in range(20))


def test_full(fork):
    """Every pair of what the test allows, and nothing else."""
    runs = [run for run in fork(FULL="1") if run.test.identity == "fork"]
    cpus, mem = ({run.changes()[key] for run in runs} for key in ("cpus", "mem"))
    assert cpus == {1, 2, 4, 8} and mem == {"16M", "64M", "256M", "2G"}
    assert {(run.changes()["cpus"], run.changes()["mem"]) for run in runs} == set(
        itertools.product(cpus, mem))
    assert not any(run.changes()["kargs"] for run in runs)


def test_settled_axes(fork):
    run = fork(CHOSEN="CPUS QEMUEXTRA", CPUS="4", MEM="64M", QEMUEXTRA="", SEED="1")[0]
    assert run.changes()["cpus"] == 4 and "extra" not in run.changes()
    seen = {fork(SEED=str(seed))[0].changes()["mem"] for seed in range(20)}
    assert len(seen) > 1  # MEM is not the user's
    assert {fork(CHOSEN="MEM", SEED=str(seed))[0].changes()["mem"] for seed in range(9)} == {"64M"}


def test_asked_by_name(fork):
    names = "guest.fork[cpus=8] guest.fork[cpus=2,asidbits=0]#3"
    found = {run.identity: run for run in fork(T=names)}
    assert found["fork[cpus=8]"].test.points == 2
    assert found["fork[cpus=2,asidbits=0]"].test.kargs == "asidbits=0"
    assert not {"fork[cpus=8]"} & {run.identity for run in fork(T="guest.spoon[cpus=8]")}


def test_sizes():
    assert configs.bytes_of("2G") == 2 << 30 and configs.bytes_of("64") == 64 << 20
    for text in ("", "G", "1GB", "x"):
        with pytest.raises(ValueError):
            configs.bytes_of(text)
