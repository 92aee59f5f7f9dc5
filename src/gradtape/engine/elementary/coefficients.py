"""Written by tools/coefficients.py; change that script, not this file.

Polynomials: coefficients, lowest first; the error noted is the relative error of the function on the left.
Constants: an unevaluated sum of doubles, largest first.
"""

from typing import NamedTuple


class Series(NamedTuple):
    """One polynomial in two lengths: for float results and for double results."""

    short: tuple[float, ...]
    long: tuple[float, ...]


# expm1(r) = r + r²/2 + r³ P(r), |r| <= log(2)/2
EXP = Series(
    short=(
        # degree 4, relative error 2^-31.2
        0.16666666296001698,
        0.04166648273433215,
        0.00833342075601936,
        0.0013933241147878219,
        0.00019823273639709536,
    ),
    long=(
        # degree 9, relative error 2^-60.1
        0.16666666666666677,
        0.04166666666666671,
        0.008333333333321334,
        0.0013888888888843411,
        0.00019841269887107605,
        2.480158744410423e-05,
        2.755724300559411e-06,
        2.7557139250949005e-07,
        2.5109523883310635e-08,
        2.0966266433334518e-09,
    ),
)

# log(1+f) = s + s³ P(s²), s = f/(1 + f/2), sqrt(1/2) <= 1+f <= sqrt(2)
LOG = (
    # degree 3, relative error 2^-37.6
    0.08333333206086893,
    0.012500104545406775,
    0.0022294799858327365,
    0.0004605776309241817,
)

# the same, for the power of floats
LOG_MEDIUM = (
    # degree 4, relative error 2^-44.9
    0.08333333334471238,
    0.012499998635108676,
    0.0022321959425771654,
    0.00043312955539875924,
    9.56226941724538e-05,
)

# log(1+f) = s + s³ (1/12 + s²/80 + s⁴ P(s²)), for double
LOG_TAIL = (
    # degree 6, relative error 2^-72.8
    0.0022321428571432144,
    0.000434027777734745,
    8.877841115460023e-05,
    1.8779996305328898e-05,
    4.069750999651771e-06,
    8.915028180583381e-07,
    2.271734452856516e-07,
)

# sin(r) = r + r³ P(r²), |r| <= π/4
SIN = Series(
    short=(
        # degree 3, relative error 2^-37.4
        -0.16666666640782168,
        0.008333329302559792,
        -0.00019839311429127663,
        2.718112996619522e-06,
    ),
    long=(
        # degree 6, relative error 2^-61.0
        -0.16666666666666666,
        0.00833333333333304,
        -0.00019841269840960654,
        2.75573190726774e-06,
        -2.5052070500754315e-08,
        1.605424861079312e-10,
        -7.385937627297297e-13,
    ),
)

# cos(r) = 1 - r²/2 + r⁴ P(r²), |r| <= π/4
COS = Series(
    short=(
        # degree 2, relative error 2^-32.9
        0.04166664568953114,
        -0.0013887316495071252,
        2.443317791553881e-05,
    ),
    long=(
        # degree 6, relative error 2^-65.1
        0.041666666666666664,
        -0.0013888888888888389,
        2.4801587301179713e-05,
        -2.7557319060028796e-07,
        2.0876721828075137e-09,
        -1.1466838065498998e-11,
        4.591490690792047e-14,
    ),
)

# atan(u) = u + u³ P(u²), |u| <= 1/4
ATAN = Series(
    short=(
        # degree 3, relative error 2^-32.4
        -0.33333324883185866,
        0.19998674345088996,
        -0.14220711231778813,
        0.09837207394650486,
    ),
    long=(
        # degree 9, relative error 2^-63.7
        -0.3333333333333333,
        0.19999999999998766,
        -0.14285714285430587,
        0.11111111078915907,
        -0.09090907004785226,
        0.07692224817967225,
        -0.06664586486137437,
        0.05849401397012591,
        -0.049450440214423894,
        0.03043240531051424,
    ),
)

LOG2_E = (1.4426950408889634, 2.0355273740931033e-17)  # 1/log(2)
LN2 = (0.6931471805599453, 2.3190468138462996e-17)  # log(2)
LOG10_E = (0.4342944819032518, 1.098319650216765e-17)  # 1/log(10)
LOG10_2 = (0.3010299956639812, -2.8037281277851704e-18)  # log(2)/log(10)
TWO_OVER_PI = (0.6366197723675814,)  # 2/π
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)  # π/2
PI = (3.141592653589793, 1.2246467991473532e-16)  # π
QUARTER_PI = (0.7853981633974483, 3.061616997868383e-17)  # π/4 = atan(1)
ATAN_HALF = (0.4636476090008061, 2.2698777452961687e-17)  # atan(1/2)
TWELFTH = (0.08333333333333333, 4.625929269271485e-18)  # 1/12, the first coefficient of LOG's series
EIGHTIETH = (0.0125, -6.938893903907229e-19)  # 1/80, the second coefficient of LOG's series

TWO_OVER_PI_BITS = 1216
# floor(2/π * 2**TWO_OVER_PI_BITS)
TWO_OVER_PI_INTEGER = int(
    "A2F9836E4E441529FC2757D1F534DDC0DB6295993C439041FE5163ABDEBBC561B7246E3A424DD2E006492EEA09D1921C"
    "FE1DEB1CB129A73EE88235F52EBB4484E99C7026B45F7E413991D639835339F49C845F8BBDF9283B1FF897FFDE05980F"
    "EF2F118B5A0A6D1F6D367ECF27CB09B74F463F669E5FEA2D7527BAC7EBE5F17B3D0739F78A5292EA6BFB5FB11F8D5D08"
    "56033046FC7B6BAB",
    16,
)
