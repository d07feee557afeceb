"""What past changes teach: which assessments count, on which scale, and from how many on."""

import numpy as np
import pandas as pd
import pytest

from prodops_analysis.estimators.pooling import pool
from prodops_analysis.portfolio import COLUMNS, SHRUNK, foresight, pool_by_kind

Z = 1.959963984540054


def past(*rows, **same):
    """Past assessments: `rows` are mappings, filled up with a template change measured by cycle time."""
    plain = {
        "kind": "template", "metric": "cycle_time", "scale": "ratio", "estimate": -0.1, "low": -0.2, "high": 0.0125,
        "verdict": "not enough evidence", "confidence": 0.7,
    }  # fmt: skip
    full = [{"change_id": f"c{i}", **plain, **same, **row} for i, row in enumerate(rows)]
    return pd.DataFrame(full, columns=list(COLUMNS))


def ratio(log_effect, se, **row):
    """An assessment whose log effect and standard error are known."""
    low, estimate, high = np.expm1([log_effect - Z * se, log_effect, log_effect + Z * se])
    return {"estimate": estimate, "low": low, "high": high, **row}


EFFECTS, ERRORS = [-0.3, -0.1, 0.05, -0.2], [0.1, 0.15, 0.1, 0.3]
FOUR = [ratio(y, se) for y, se in zip(EFFECTS, ERRORS, strict=True)]


def test_ratios_are_pooled_on_the_log_scale():
    """The mean of a kind and the shrunken effects are those of the logs, stated as relative changes again."""
    (kinds, changes), expected = pool_by_kind(past(*FOUR)), pool(EFFECTS, ERRORS)
    kind = kinds.iloc[0]

    assert ("template", "cycle_time", 4, "") == tuple(kind[["kind", "metric", "n", "note"]])
    assert np.expm1([expected.mean, expected.low, expected.high]) == pytest.approx(
        kind[["estimate", "low", "high"]].to_numpy(float)
    )
    for name in SHRUNK:
        assert np.expm1(getattr(expected, name)) == pytest.approx(changes[name].to_numpy())


def test_an_end_beside_zero_makes_no_effect_surer():
    """An interval that ends beside zero weighs by its other side."""
    cut = [row | {"high": min(row["high"], -0.0001)} if row["estimate"] < -0.0001 else row for row in FOUR]
    assert cut != FOUR

    pd.testing.assert_frame_equal(pool_by_kind(past(*FOUR))[0], pool_by_kind(past(*cut))[0])


def test_differences_are_pooled_as_they_are():
    """Ten points more are ten points more."""
    rows = [{"estimate": y, "low": y - Z * s, "high": y + Z * s} for y, s in zip(EFFECTS, ERRORS, strict=True)]

    kind = pool_by_kind(past(*rows, scale="difference", metric="owner_at_start"))[0].iloc[0]

    assert pool(EFFECTS, ERRORS).mean == pytest.approx(kind["estimate"])
    assert pool(EFFECTS, ERRORS).high == pytest.approx(kind["high"])


def test_kinds_and_metrics_are_kept_apart():
    """What limits do says nothing about templates, nor throughput about cycle time; rows keep their order."""
    other = [ratio(y, 0.1, kind="limit") for y in (0.5, 0.4, 0.6)]
    third = [ratio(y, 0.1, metric="throughput", change_id=f"c{i}") for i, y in enumerate((0.1, 0.2, 0.3, 0.1))]
    rows = past(*FOUR, *other, *third).sample(frac=1, random_state=1)

    kinds, changes = pool_by_kind(rows)

    assert [("limit", "cycle_time", 3), ("template", "cycle_time", 4), ("template", "throughput", 4)] == list(
        kinds[["kind", "metric", "n"]].itertuples(index=False, name=None)
    )
    assert pool_by_kind(past(*FOUR))[0].loc[0, "low"] == pytest.approx(kinds.loc[1, "low"])
    assert rows["change_id"].tolist() == changes["change_id"].tolist()
    assert rows["estimate"].tolist() == changes["estimate"].tolist()


@pytest.mark.parametrize("verdict", ["improved", "worsened", "no worthwhile change", "not enough evidence"])
def test_no_effect_is_chosen_by_its_verdict(verdict):
    """An estimate counts whatever the verdict: clear ones alone would be the lucky ones."""
    rows = past(*FOUR[:3], {**FOUR[3], "verdict": verdict})

    assert pool_by_kind(rows)[0].loc[0, "estimate"] == pytest.approx(np.expm1(pool(EFFECTS, ERRORS).mean))


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"estimate": None, "low": None, "high": None}, id="withheld"),
        pytest.param({"low": None}, id="no-bound"),
        pytest.param({"low": -1.0}, id="nothing-left"),
        pytest.param({"high": np.inf}, id="no-end"),
        pytest.param({"estimate": 0.0, "low": 0.0, "high": 0.0}, id="no-width"),
    ],
)
def test_what_has_no_interval_does_not_count(row):
    """Withheld answers and unusable intervals are left out of effects, whatever else is there."""
    kinds, changes = pool_by_kind(past(*FOUR, row).astype(object))

    assert (4, 4) == (kinds.loc[0, "n"], len(changes))


def test_changes_without_a_kind_are_one_kind():
    """A record that names no kind is pooled with its like."""
    kinds, _ = pool_by_kind(past(*FOUR[:2], *({**row, "kind": ""} for row in FOUR), {**FOUR[0], "kind": None}))

    assert [("", 5), ("template", 2)] == list(kinds[["kind", "n"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_of_a_kind_say_nothing(n):
    """One or two changes of a kind: their own effects stay, the mean and the shrunken ones are missing, with a note."""
    kinds, changes = pool_by_kind(past(*FOUR[:n]))

    assert f"{n} assessed; 3 are needed" == kinds.loc[0, "note"]
    assert kinds[["estimate", "low", "high"]].isna().all(axis=None)
    assert changes["shrunk"].isna().all()
    assert changes["estimate"].notna().all()


def test_no_past_at_all():
    """Before the first assessment there is nothing to pool and nothing to compare, and nobody stumbles."""
    kinds, changes = pool_by_kind(past())

    assert (0, 0) == (len(kinds), len(changes))
    assert foresight(past()).startswith("0 changes with an outcome")


def outcomes(improved, worsened=0, none=0, unclear=0, **same):
    """Past changes by verdict."""
    words = ["improved"] * improved + ["worsened"] * worsened + ["no worthwhile change"] * none
    return past(*({"verdict": word} for word in words + ["not enough evidence"] * unclear), **same)


def test_foresight_needs_twenty_changes():
    """Nineteen assessed changes give a number of what is missing, not a score; those without an answer do not count."""
    said = foresight(outcomes(10, 5, 4, unclear=30))

    assert said == "19 changes with an outcome and a stated confidence; 20 are needed"


def test_foresight_counts_improvements():
    """Ten improved of twenty stated at 70 %: Brier 0.29; worsened and no worthwhile change both count as not."""
    said = foresight(outcomes(10, 6, 4, unclear=3))

    assert said.brier == pytest.approx(0.5 * 0.3**2 + 0.5 * 0.7**2)
    assert [(pytest.approx(0.7), 0.5, 20)] == list(
        said.table[["stated", "happened", "n"]].itertuples(index=False, name=None)
    )


def test_shares_by_fifth_of_confidence_have_wilson_intervals():
    """Newcombe 1998, table I, method 3: 15 of 148 is 0.0624 to 0.1605; a fifth begins with its lower end."""
    sure = outcomes(15, 133, confidence=0.8)
    rows = pd.concat([sure, outcomes(20, confidence=1.0), outcomes(0, 3, confidence=0.79)])

    table = foresight(rows).table

    assert [3, 168] == table["n"].tolist()
    alone = foresight(sure).table.iloc[0]
    assert (0.0624, 0.1605) == (pytest.approx(alone["low"], abs=5e-5), pytest.approx(alone["high"], abs=5e-5))


def test_a_perfect_forecaster():
    """Sure of what happened and sure of what did not: nothing is left to learn, and two fifths hold a change."""
    said = foresight(pd.concat([outcomes(12, confidence=1.0), outcomes(0, 9, confidence=0.0)]))

    assert said.brier == 0
    assert [(0, 0, 9), (1, 1, 12)] == list(said.table[["stated", "happened", "n"]].itertuples(index=False, name=None))


def test_unstated_confidence_does_not_count():
    """A change whose record states no confidence is left out of foresight and stays in the pool."""
    rows = outcomes(24)
    rows.loc[:4, "confidence"] = None

    assert foresight(rows).startswith("19 changes")
    assert pool_by_kind(rows)[0].loc[0, "n"] == 24


def test_the_callers_rows_are_left_alone():
    """Pooling and comparing change nothing in what was handed in, and its index, repeated or not, says nothing."""
    rows = outcomes(12, 9).assign(estimate=np.linspace(-0.15, 0, 21)).set_index(pd.Index([7] * 21))
    before = rows.copy(deep=True)

    found = pool_by_kind(rows)
    foresight(rows)

    pd.testing.assert_frame_equal(before, rows)
    pd.testing.assert_frame_equal(pool_by_kind(rows.reset_index(drop=True))[1], found[1])
