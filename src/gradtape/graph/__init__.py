"""The expression graph: nodes, the table that primitives are declared in, Programs."""
