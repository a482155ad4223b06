"""Pictures of answers in one style that can be read in grey: drawn by lets-plot, an optional part, or placed for inline SVG."""
