"""What past changes teach: which assessments count, on which scale, from how many on, and what is refused."""

import numpy as np
import pandas as pd
import pytest

from prodops_analysis.errors import RecordError
from prodops_analysis.estimators.pooling import pool
from prodops_analysis.portfolio import COLUMNS, foresight, pool_by_kind
from prodops_analysis.verdict import Verdict

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
    found, expected = pool_by_kind(past(*FOUR)), pool(EFFECTS, ERRORS)
    kind = found.kinds.iloc[0]

    assert ("template", "cycle_time", "ratio", 4, "") == tuple(kind[["kind", "metric", "scale", "n", "note"]])
    assert np.expm1([expected.mean, expected.low, expected.high]) == pytest.approx(
        kind[["estimate", "low", "high"]].to_numpy(float)
    )
    assert expected.tau == pytest.approx(kind["tau"])
    for name in ("shrunk", "shrunk_low", "shrunk_high"):
        assert np.expm1(getattr(expected, name)) == pytest.approx(found.changes[name].to_numpy())
    assert (found.n, found.left_out) == (4, {})


def test_assessments_themselves_serve_as_rows():
    """Verdicts as words of the package and figures that are None, as in metrics.json, are read as they are."""
    rows = past(*FOUR, {"estimate": None, "low": None, "high": None, "verdict": Verdict.NOT_ENOUGH_EVIDENCE}).astype(
        object
    )

    found = pool_by_kind(rows)

    assert (found.n, found.left_out) == (4, {"no estimate was given": 1})
    assert found.changes["estimate"].dtype == "float64"


def test_differences_are_pooled_as_they_are():
    """Ten points more are ten points more."""
    rows = [{"estimate": y, "low": y - Z * s, "high": y + Z * s} for y, s in zip(EFFECTS, ERRORS, strict=True)]

    kind = pool_by_kind(past(*rows, scale="difference", metric="owner_at_start")).kinds.iloc[0]

    assert pool(EFFECTS, ERRORS).mean == pytest.approx(kind["estimate"])
    assert pool(EFFECTS, ERRORS).high == pytest.approx(kind["high"])


def test_kinds_and_metrics_are_kept_apart():
    """What limits do says nothing about templates, nor throughput about cycle time; rows keep their order."""
    other = [ratio(y, 0.1, kind="limit") for y in (0.5, 0.4, 0.6)]
    third = [ratio(y, 0.1, metric="throughput", change_id=f"c{i}") for i, y in enumerate((0.1, 0.2, 0.3, 0.1))]
    rows = past(*FOUR, *other, *third).sample(frac=1, random_state=1)

    found = pool_by_kind(rows)

    assert [("limit", "cycle_time", 3), ("template", "cycle_time", 4), ("template", "throughput", 4)] == list(
        found.kinds[["kind", "metric", "n"]].itertuples(index=False, name=None)
    )
    assert pool_by_kind(past(*FOUR)).kinds.loc[0, "low"] == pytest.approx(found.kinds.loc[1, "low"])
    assert rows["change_id"].tolist() == found.changes["change_id"].tolist()
    assert rows["estimate"].tolist() == found.changes["estimate"].tolist()


@pytest.mark.parametrize("verdict", ["improved", "worsened", "no worthwhile change", "not enough evidence"])
def test_no_effect_is_chosen_by_its_verdict(verdict):
    """An estimate counts whatever the verdict: clear ones alone would be the lucky ones."""
    rows = past(*FOUR[:3], {**FOUR[3], "verdict": verdict})

    assert pool_by_kind(rows).kinds.loc[0, "estimate"] == pytest.approx(np.expm1(pool(EFFECTS, ERRORS).mean))


def test_what_has_no_answer_is_counted():
    """Withheld answers, unnamed kinds and unusable intervals are left out, each with its reason."""
    nothing = {"estimate": None, "low": None, "high": None}
    rows = past(
        *FOUR, nothing, nothing, {"kind": ""}, {"kind": None}, {"low": None}, {"low": -1.0}, {"high": np.inf},
        {"low": 0.1, "high": 0.2}, {"estimate": 0.0, "low": 0.0, "high": 0.0},
    )  # fmt: skip

    found = pool_by_kind(rows)

    assert {"no estimate was given": 2, "no kind is named": 2, "no finite interval around the estimate": 5} == (
        found.left_out
    )
    assert found.n == len(found.changes) == 4


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_of_a_kind_say_nothing(n):
    """One or two changes of a kind: their own effects stay, the mean and the shrunken ones are missing, with a note."""
    found = pool_by_kind(past(*FOUR[:n]))

    assert f"{n} assessed; 3 are needed" == found.kinds.loc[0, "note"]
    assert found.kinds[["estimate", "low", "high", "tau"]].isna().all(axis=None)
    assert found.changes["shrunk"].isna().all()
    assert found.changes["estimate"].notna().all()


def test_no_past_at_all():
    """Before the first assessment there is nothing to pool and nothing to compare, and nobody stumbles."""
    found, said = pool_by_kind(past()), foresight(past())

    assert (0, 0, 0) == (found.n, len(found.kinds), len(found.changes))
    assert (None, 0) == (said.calibration, said.n)


def outcomes(improved, worsened=0, none=0, unclear=0, **same):
    """Past changes by verdict."""
    words = ["improved"] * improved + ["worsened"] * worsened + ["no worthwhile change"] * none
    return past(*({"verdict": word} for word in words + ["not enough evidence"] * unclear), **same)


def test_foresight_needs_twenty_changes():
    """Nineteen assessed changes give a number of what is missing, not a score; those without an answer do not count."""
    said = foresight(outcomes(10, 5, 4, unclear=30))

    assert said.calibration is None
    assert (said.n, said.needed, said.left_out) == (19, 20, {"not enough evidence": 30})
    assert said.reason == "19 changes with an outcome and a stated confidence; 20 are needed"


def test_foresight_counts_improvements():
    """Ten improved of twenty stated at 70 %: Brier 0.29; worsened and no worthwhile change both count as not."""
    said = foresight(outcomes(10, 6, 4, unclear=3))

    assert said.calibration.brier == pytest.approx(0.5 * 0.3**2 + 0.5 * 0.7**2)
    assert [0.5] == said.calibration.share.tolist()
    assert (said.n, said.reason, said.left_out) == (20, "", {"not enough evidence": 3})


def test_unstated_confidence_is_counted():
    """A change whose record states no confidence is left out of foresight and stays in the pool."""
    rows = outcomes(25)
    rows.loc[:4, "confidence"] = None

    said = foresight(rows)

    assert (said.n, said.left_out) == (20, {"no confidence was stated": 5})
    assert pool_by_kind(rows).n == 25


def test_the_callers_rows_are_left_alone():
    """Pooling and comparing change nothing in what was handed in, and its index, repeated or not, says nothing."""
    rows = outcomes(12, 9).assign(estimate=np.linspace(-0.15, 0, 21)).set_index(pd.Index([7] * 21))
    before = rows.copy(deep=True)

    found = pool_by_kind(rows)
    foresight(rows)

    pd.testing.assert_frame_equal(before, rows)
    pd.testing.assert_frame_equal(pool_by_kind(rows.reset_index(drop=True)).changes, found.changes)


@pytest.mark.parametrize("look", [pool_by_kind, foresight])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(lambda rows: rows.drop(columns="scale"), "lack the column 'scale'", id="column-missing"),
        pytest.param(lambda rows: rows.assign(scale="log"), "unknown scale 'log'.*ratio, difference", id="scale"),
        pytest.param(lambda rows: rows.assign(scale=None), "unknown scale", id="no-scale"),
        pytest.param(lambda rows: rows.assign(verdict="better"), "unknown verdict 'better'", id="verdict"),
        pytest.param(lambda rows: rows.assign(verdict=None), "unknown verdict", id="no-verdict"),
        pytest.param(lambda rows: pd.concat([rows, rows[:1]]), "two past assessments of 'c0'; keep one", id="twice"),
    ],
)
def test_unusable_rows(look, change, message):
    """Rows that are no assessments are refused, with what was found and what to do."""
    with pytest.raises(RecordError, match=message):
        look(change(past(*FOUR)))


def test_confidence_is_a_probability():
    """A confidence of 70 is refused by name: it would make every score absurd."""
    with pytest.raises(RecordError, match="confidence of 'c1' is not between 0 and 1"):
        foresight(past({}, {"confidence": 70}))


def test_foresight_takes_one_outcome_a_change():
    """Confidence is stated about the primary metric, so a second metric of a change is refused, and pooled gladly."""
    rows = past({"change_id": "a"}, {"change_id": "a", "metric": "throughput"})

    with pytest.raises(RecordError, match="two past assessments of 'a'; keep one a change_id"):
        foresight(rows)
    assert pool_by_kind(rows).n == 2
