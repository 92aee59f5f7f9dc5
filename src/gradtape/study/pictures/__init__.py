"""Pictures, drawn with Matplotlib, which loads with the first one.

style       colours, lines, letters and sizes, the same everywhere
labels      words beside points, out of the way of curves
floats      places between two numbers, to the last float
sampling    curves with points where they need them; on window (which part of the y axis), breaks (jumps, poles, holes,
            edges of the domain) and thin (fewer points for the same picture)
near        tangents and Taylor polynomials
notable     extrema, kinks, saturation
curve       a function with its derivatives
compare     functions beside each other
depth       the gradient through many layers
plane       functions of two variables: values, gradients, critical points
field       contours with the gradient; surface: the same in space
descent     the ways of optimizers over contours; the loss surface of a linear regression
animate     moving pictures
error       the error in ulps
"""
