"""Buckley-James imputation: edges, a slower second implementation, recovery of known means, invariances."""

import numpy as np
import pytest

from prodops_analysis.estimators.censored import complete_log_durations

HOUR = 1 / 24


def complete(times, ended, group=None, kind=None, *, horizon=1000.0):
    """Impute with the package's floor of one hour."""
    group, kind = (np.zeros(len(times)) if labels is None else labels for labels in (group, kind))
    return complete_log_durations(times, ended, group, kind, horizon=horizon, floor=HOUR)


def slow(times, ended, group, kind, *, horizon):
    """Item by item: mass of each residual by redistribution to the right, then a weighted mean of what lies beyond."""
    seen = [float(np.log(min(max(t, HOUR), horizon))) for t in times]
    known = [bool(d) or t >= horizon for t, d in zip(times, ended, strict=True)]
    y = list(seen)
    apart = dict.fromkeys(kind, 0.0)
    for _ in range(12):
        of = {g: np.mean([v - apart[q] for v, h, q in zip(y, group, kind, strict=True) if h == g]) for g in group}
        alike = {q: [v - of[h] for v, h, p in zip(y, group, kind, strict=True) if p == q] for q in kind}
        apart = {q: sum(those) / (len(those) + 5) for q, those in alike.items()}
        centre = [of[g] + apart[q] for g, q in zip(group, kind, strict=True)]
        rows = sorted((s - c, not k) for s, c, k in zip(seen, centre, known, strict=True))
        mass = [1 / len(rows)] * len(rows)
        for i, (_, is_open) in enumerate(rows[:-1]):
            if is_open:
                mass = mass[:i] + [0.0] + [m + mass[i] / (len(rows) - i - 1) for m in mass[i + 1 :]]
        new = []
        for s, c, k in zip(seen, centre, known, strict=True):
            beyond = [(m, min(c + e, np.log(horizon))) for (e, _), m in zip(rows, mass, strict=True)
                      if e > s - c and m > 0]  # fmt: skip
            total = sum(m for m, _ in beyond)
            new.append(s if k or total < 1e-12 else sum(m * v for m, v in beyond) / total)
        if max(abs(a - b) for a, b in zip(new, y, strict=True)) < 1e-4:
            break
        y = new
    return y


def drawn(seed, *, n=40, groups=3):
    """Lognormal durations of a few groups, some of them cut off."""
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, n)
    times = np.exp(rng.normal(1.5 + 0.4 * group, 0.9))
    last_look = rng.uniform(0.5, 25, n)
    return np.minimum(times, last_look), times <= last_look, group


def test_nothing_open_changes_nothing():
    """Without open items the result is the log of what was seen."""
    done = complete([1.0, 2.0, 4.0], [True] * 3)

    assert np.log([1.0, 2.0, 4.0]) == pytest.approx(done.y)
    assert not done.imputed.any()


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        pytest.param(0.0, np.log(HOUR), id="no-time-at-all-is-the-floor"),
        pytest.param(HOUR / 60, np.log(HOUR), id="below-the-floor"),
        pytest.param(5.0, np.log(5), id="between"),
        pytest.param(10.0, np.log(10), id="at-the-horizon"),
        pytest.param(900.0, np.log(10), id="beyond-the-horizon"),
    ],
)
def test_bounds_hold_for_finished_items(time, expected):
    """Floor and cap apply to finished items."""
    assert expected == pytest.approx(complete([time, 3.0], [True, True], horizon=10.0).y[0])


def test_open_beyond_the_horizon_counts_as_the_horizon():
    """A zombie and a bulk close of the same age are one thing."""
    done = complete([50.0, 50.0, 3.0], [False, True, True], horizon=10.0)

    assert done.y[0] == pytest.approx(done.y[1])
    assert not done.imputed.any()


def test_one_open_item_by_hand():
    """Ended at 2, 4 and 8, open at 3: the mean of log 4 and log 8 stands for the open one."""
    done = complete([2.0, 4.0, 8.0, 3.0], [True, True, True, False])

    assert (np.log(4) + np.log(8)) / 2 == pytest.approx(done.y[3])
    assert done.imputed.tolist() == [False, False, False, True]


def test_cap_counts_inside_the_mean_by_hand():
    """With a horizon of 5 the item that would have taken 8 days counts 5."""
    done = complete([2.0, 4.0, 8.0, 3.0], [True, True, True, False], horizon=5.0)

    assert (np.log(4) + np.log(5)) / 2 == pytest.approx(done.y[3])


def test_open_beside_an_end_at_the_same_time():
    """An item open at 3 outlived the one that ended at 3: only what lies strictly beyond counts."""
    assert np.log(8) == pytest.approx(complete([3.0, 3.0, 8.0], [True, False, True]).y[1])


def test_longest_item_open():
    """Beyond everything seen nothing is made up: the longest open item keeps what was seen (Efron's convention)."""
    assert np.log(9) == pytest.approx(complete([2.0, 4.0, 9.0], [True, True, False]).y[2])


def test_all_open():
    """With nothing ended there is nothing to learn from: lower bounds stay, marked as filled in."""
    done = complete([2.0, 4.0], [False, False])

    assert np.log([2.0, 4.0]) == pytest.approx(done.y)
    assert done.imputed.all()


@pytest.mark.parametrize("seed", range(25))
def test_against_item_by_item(seed):
    """Cumulated sums and a plain loop give the same completed durations."""
    times, ended, group = drawn(seed)
    kind = np.random.default_rng([seed, 2]).integers(0, 3, len(times))
    horizon = float(np.quantile(times, 0.95))

    expected = slow(times, ended, group.tolist(), kind.tolist(), horizon=horizon)

    assert expected == pytest.approx(complete(times, ended, group, kind, horizon=horizon).y.tolist(), abs=1e-8)


@pytest.mark.parametrize("seed", range(25))
def test_filled_in_values_keep_to_what_is_known(seed):
    """A filled-in duration is never shorter than what was seen, nor beyond the cap; seen ones stay."""
    times, ended, group = drawn(seed)

    done = complete(times, ended, group, horizon=20.0)

    seen = np.log(np.clip(times, HOUR, 20.0))
    assert np.all(done.y >= seen - 1e-9)
    assert np.all(done.y <= np.log(20.0) + 1e-9)
    assert seen[~done.imputed] == pytest.approx(done.y[~done.imputed])


@pytest.mark.parametrize("seed", range(10))
def test_names_and_order_do_not_matter(seed):
    """Relabelling the groups or shuffling the rows changes no value."""
    times, ended, group = drawn(seed)
    order = np.random.default_rng([seed, 1]).permutation(len(times))
    kind = group[::-1]
    plain = complete(times, ended, group, kind, horizon=30.0).y

    names = np.array(["z", "a", "m"])
    renamed = complete(times, ended, names[group], names[kind], horizon=30.0).y
    shuffled = complete(times[order], ended[order], group[order], kind[order], horizon=30.0).y

    assert plain == pytest.approx(renamed)
    assert plain[order] == pytest.approx(shuffled)


def test_recovers_group_means_of_a_censored_lognormal():
    """Means of 1.5 and 2.2 come back within 4 standard errors with 3 of 10 items open; closed ones alone fail."""
    rng = np.random.default_rng(20260101)
    group = np.repeat([0, 1], 2500)
    times = np.exp(rng.normal(np.where(group == 0, 1.5, 2.2), 0.9))
    last_look = rng.uniform(0, 40, len(times))
    seen, ended = np.minimum(times, last_look), times <= last_look

    y = complete(seen, ended, group, horizon=1e6).y

    tolerance = 4 * 0.9 * 1.25 / np.sqrt(2500)  # 1.25: cost of the open items, about 1 / sqrt(share ended)
    assert [y[group == g].mean() for g in (0, 1)] == pytest.approx([1.5, 2.2], abs=tolerance)
    closed_only = np.log(seen[ended & (group == 1)]).mean()
    assert abs(closed_only - 2.2) > 3 * tolerance


def test_kinds_of_work_keep_their_distance():
    """Of two kinds of work one takes a log unit longer, half of it open: filled in by kind the unit comes back."""
    rng = np.random.default_rng(11)
    kind = np.tile(["bug", "feature"], 2500)
    times = np.exp(rng.normal(np.where(kind == "bug", 1.0, 2.0), 0.9))
    last_look = rng.uniform(0, 20, len(times))
    seen, ended = np.minimum(times, last_look), times <= last_look

    by_kind, together = (complete(seen, ended, kind=kinds, horizon=1e6).y for kinds in (kind, None))

    apart = [y[kind == "feature"].mean() - y[kind == "bug"].mean() for y in (by_kind, together)]
    assert apart[0] == pytest.approx(1.0, abs=4 * 0.9 * 1.4 * np.sqrt(2 / 2500))
    assert apart[1] < 0.85


@pytest.mark.parametrize("share_open", [0.3, 0.5, 0.7])
def test_a_group_with_many_open_items_is_not_made_faster(share_open):
    """A recent group of the same law, cut off early, gets the mean of the old group, not a shorter one."""
    rng = np.random.default_rng(7)
    n = 3000
    times = np.exp(rng.normal(2.0, 0.9, 2 * n))
    group = np.repeat(["old", "recent"], n)
    cut = float(np.quantile(times, 1 - share_open))
    last_look = np.where(group == "old", 1e9, rng.uniform(0.6, 1.4, 2 * n) * cut)
    seen, ended = np.minimum(times, last_look), times <= last_look

    y = complete(seen, ended, group, horizon=1e4).y

    assert y[group == "old"].mean() == pytest.approx(y[group == "recent"].mean(), abs=0.07)
