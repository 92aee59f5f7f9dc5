"""Modes: graph in, graph out. They read the table by kind and never know a primitive by name."""
