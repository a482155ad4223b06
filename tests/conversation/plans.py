"""Generate plans of all kinds."""

from decimal import Decimal

from hypothesis import strategies as st

from voicebill.conversation.plan import Plan

SHARES = st.integers(0, 50).map(lambda percent: Decimal(percent) / 100)
PLANS = st.builds(
    Plan,
    minutes=st.integers(1, 6000).map(lambda tenths: Decimal(tenths) / 10).filter(lambda minutes: minutes <= 1440),
    turns=st.integers(1, 120),
    user_share=SHARES,
    assistant_share=SHARES,
    tool_calls=st.integers(0, 30),
    images=st.integers(0, 5),
    first_speaker=st.sampled_from(["user", "assistant"]),
    reasoning_tokens=st.integers(0, 50),
    interrupted_share=SHARES,
)
