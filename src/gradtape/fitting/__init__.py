"""Training from a file of numbers: an expression, its parameters, and how sure they are.

    data ─► model ─► objective ─► start ─► train ─► uncertainty ─► result ─► picture
                                                                  saved: a fit as a file

data          columns of a CSV file, with errors that name the line
model         an expression, whose names are columns or parameters
objective     the mean loss as a function of the parameters
start         where training starts
train         gradient descent, and SciPy's L-BFGS
uncertainty   standard errors, and how far the minimum is
"""

from gradtape.fitting.fit import fit
from gradtape.fitting.result import Fit

__all__ = ["Fit", "fit"]
