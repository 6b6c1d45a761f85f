"""What the states of review are called: buttons, choices, legend and sentences take their words from here."""

REVIEW_WORDS = {"unreviewed": "Not reviewed", "accepted": "Right", "rejected": "Wrong"}
"""By state, in the order in which they are offered and in which the index numbers them."""
REVIEWS = {words: state for state, words in REVIEW_WORDS.items()}
"""The states by words, as widgets take them."""
