"""The page and the HTTP API: the answers, for people who click and for programs that ask."""
