"""Pictures of answers: drawn by lets-plot, an optional part, in one style that can be read in grey."""
