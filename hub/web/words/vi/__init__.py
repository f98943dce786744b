"""The pages' words in Vietnamese, by part; a key stands in one part only."""

from __future__ import annotations

from hub.web.words.vi import checking, citizens, common, fleet, keeping, officers, places, policy, tracing

WORDS: dict[str, str] = {
    **common.WORDS,
    **citizens.WORDS,
    **officers.WORDS,
    **checking.WORDS,
    **tracing.WORDS,
    **places.WORDS,
    **policy.WORDS,
    **keeping.WORDS,
    **fleet.WORDS,
}
