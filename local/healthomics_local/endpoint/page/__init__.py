"""The page at the endpoint's root: what runs, since when, with what, and a button that cancels it."""
