"""The score is the sum of what a table says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.filter.core import score
from services.filter.core.score import Evidence, Feature, score_evidence

evidences = st.builds(Evidence, st.integers(1, 1000), st.integers(0, 1000))


@given(evidences)
def test_the_table_is_empty_so_everyone_scores_the_same(evidence: Evidence) -> None:
    assert score_evidence(evidence) == 0.0


def test_features_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    features = (
        Feature("insists", lambda evidence: -0.5 * evidence.texts),
        Feature("alone", lambda evidence: 1.0 if evidence.campaign_senders < 2 else 0.0),
    )
    monkeypatch.setattr(score, "FEATURES", features)
    assert score_evidence(Evidence(texts=2, campaign_senders=1)) == 0.0
    assert score_evidence(Evidence(texts=1, campaign_senders=5)) == -0.5
