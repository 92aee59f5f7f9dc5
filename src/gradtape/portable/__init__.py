"""Functions as values that leave the process: printed as NumPy code, written to a file and read again.

calculation    a function's operations, with what goes in and what comes out
source         a calculation as NumPy code
reading        the source of a function of the table, and specialise: that source for known arguments
export, load   a calculation as a file
"""
