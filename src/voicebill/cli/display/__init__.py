"""Print answers on a terminal and write them as tables to files."""
