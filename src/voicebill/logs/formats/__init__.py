"""Read log formats, one file per format."""
