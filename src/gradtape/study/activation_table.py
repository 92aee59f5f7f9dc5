"""The activation functions of the field: what was published, and how gradtape computes it. Facts are not written here;
they are derived from the function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Source:
    """Where a function comes from; `link` is a DOI or an address that is known to be right, or empty."""

    authors: str
    title: str
    year: int
    link: str = ""

    def __str__(self) -> str:
        return f"{self.authors}, {self.title}, {self.year}" + (f", {self.link}" if self.link else "")


@dataclass(frozen=True)
class Entry:
    """A row of the table. Texts are expressions with the parameters in braces.

    formula, slope              the function and its derivative as they are written by hand
    latex, slope_latex          the same for LaTeX
    computed                    what gradtape computes: the same function without cancellation; empty: the formula
    """

    name: str
    formula: str
    latex: str
    slope: str
    slope_latex: str
    source: Source | None = None
    computed: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


def _arxiv(authors: str, title: str, year: int, number: str) -> Source:
    return Source(authors, title, year, f"https://arxiv.org/abs/{number}")


def _doi(authors: str, title: str, year: int, number: str) -> Source:
    return Source(authors, title, year, f"https://doi.org/{number}")


HENDRYCKS = _arxiv("D. Hendrycks and K. Gimpel", "Gaussian Error Linear Units (GELUs)", 2016, "1606.08415")
MOBILENET = _arxiv("A. Howard et al.", "Searching for MobileNetV3", 2019, "1905.02244")
CARLILE = _arxiv(
    "B. Carlile et al.", "Improving Deep Learning by Inverse Square Root Linear Units (ISRLUs)", 2017, "1710.09967"
)

TABLE = (
    Entry(
        "sigmoid",
        "1/(1 + exp(-x))",
        r"\frac{1}{1 + e^{-x}}",
        "sigmoid(x)*sigmoid(-x)",
        r"\sigma(x)\,\sigma(-x)",
        _doi(
            "D. E. Rumelhart, G. E. Hinton and R. J. Williams",
            "Learning representations by back-propagating errors",
            1986,
            "10.1038/323533a0",
        ),
        "sigmoid(x)",
        aliases=("logistic",),
    ),
    Entry(
        "hard_sigmoid",
        "minimum(maximum(x/6 + 0.5, 0), 1)",
        r"\min(\max(x/6 + 1/2,\, 0),\, 1)",
        "where(abs(x) < 3, 1/6, 0)",
        r"\tfrac16 \text{ for } |x| < 3,\ \text{else } 0",
        MOBILENET,
        "hard_sigmoid(x)",
    ),
    Entry(
        "log_sigmoid",
        "log(1/(1 + exp(-x)))",
        r"\ln\frac{1}{1 + e^{-x}}",
        "sigmoid(-x)",
        r"\sigma(-x)",
        None,
        "log_sigmoid(x)",
    ),
    Entry(
        "tanh",
        "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
        r"\tanh x",
        "1/cosh(x)**2",
        r"\frac{1}{\cosh^2 x}",
        _doi("Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller", "Efficient BackProp", 1998, "10.1007/3-540-49430-8_2"),
        "tanh(x)",
    ),
    Entry(
        "hard_tanh",
        "minimum(maximum(x, -1), 1)",
        r"\min(\max(x,\, -1),\, 1)",
        "where(abs(x) < 1, 1, 0)",
        r"1 \text{ for } |x| < 1,\ \text{else } 0",
        Source("R. Collobert", "Large Scale Machine Learning (thesis, Université Paris VI)", 2004),
        "hard_tanh(x)",
    ),
    Entry(
        "softsign",
        "x/(1 + abs(x))",
        r"\frac{x}{1 + |x|}",
        "1/(1 + abs(x))**2",
        r"\frac{1}{(1 + |x|)^2}",
        Source("J. Turian, J. Bergstra and Y. Bengio", "Quadratic Features and Deep Architectures for Chunking", 2009),
        "softsign(x)",
    ),
    Entry("arctan", "atan(x)", r"\arctan x", "1/(1 + x**2)", r"\frac{1}{1 + x^2}"),
    Entry(
        "isru",
        "x/sqrt(1 + {alpha}*x**2)",
        r"\frac{x}{\sqrt{1 + \alpha x^2}}",
        "(1 + {alpha}*x**2)**-1.5",
        r"(1 + \alpha x^2)^{-3/2}",
        CARLILE,
        parameters={"alpha": 1.0},
    ),
    Entry(
        "step",
        "where(x < 0, 0, 1)",
        r"0 \text{ for } x < 0,\ \text{else } 1",
        "0*x",
        "0",
        _doi(
            "W. S. McCulloch and W. Pitts",
            "A logical calculus of the ideas immanent in nervous activity",
            1943,
            "10.1007/BF02478259",
        ),
        "where(x < 0, 0*x, 0*x + 1)",
        aliases=("heaviside",),
    ),
    Entry("linear", "x", "x", "0*x + 1", "1", aliases=("identity",)),
    Entry("exponential", "exp(x)", "e^x", "exp(x)", "e^x"),
    Entry(
        "relu",
        "maximum(x, 0)",
        r"\max(x, 0)",
        "where(x > 0, 1, 0)",
        r"1 \text{ for } x > 0,\ \text{else } 0",
        Source("V. Nair and G. E. Hinton", "Rectified Linear Units Improve Restricted Boltzmann Machines", 2010),
        "relu(x)",
    ),
    Entry(
        "relu6",
        "minimum(maximum(x, 0), 6)",
        r"\min(\max(x, 0), 6)",
        "where((x > 0) & (x < 6), 1, 0)",
        r"1 \text{ for } 0 < x < 6,\ \text{else } 0",
        Source("A. Krizhevsky", "Convolutional Deep Belief Networks on CIFAR-10", 2010),
        "relu6(x)",
    ),
    Entry(
        "relu_squared",
        "maximum(x, 0)**2",
        r"\max(x, 0)^2",
        "2*maximum(x, 0)",
        r"2\max(x, 0)",
        _arxiv(
            "D. R. So et al.", "Primer: Searching for Efficient Transformers for Language Modeling", 2021, "2109.08668"
        ),
        "relu(x)**2",
    ),
    Entry(
        "leaky_relu",
        "where(x > 0, x, {alpha}*x)",
        r"x \text{ for } x > 0,\ \text{else } \alpha x",
        "where(x > 0, 1, {alpha})",
        r"1 \text{ for } x > 0,\ \text{else } \alpha",
        Source(
            "A. L. Maas, A. Y. Hannun and A. Y. Ng",
            "Rectifier Nonlinearities Improve Neural Network Acoustic Models",
            2013,
        ),
        "leaky_relu(x, {alpha})",
        {"alpha": 0.2},
    ),
    Entry(
        "prelu",
        "where(x > 0, x, {alpha}*x)",
        r"x \text{ for } x > 0,\ \text{else } \alpha x \text{ with a learned } \alpha",
        "where(x > 0, 1, {alpha})",
        r"1 \text{ for } x > 0,\ \text{else } \alpha",
        _arxiv(
            "K. He, X. Zhang, S. Ren and J. Sun",
            "Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification",
            2015,
            "1502.01852",
        ),
        "leaky_relu(x, {alpha})",
        {"alpha": 0.25},
    ),
    Entry(
        "rrelu",
        "where(x > 0, x, ({lower} + {upper})/2*x)",
        r"x \text{ for } x > 0,\ \text{else } \alpha x \text{ with a random } \alpha \text{, in use its mean}",
        "where(x > 0, 1, ({lower} + {upper})/2)",
        r"1 \text{ for } x > 0,\ \text{else } \alpha",
        _arxiv(
            "B. Xu, N. Wang, T. Chen and M. Li",
            "Empirical Evaluation of Rectified Activations in Convolutional Network",
            2015,
            "1505.00853",
        ),
        parameters={"lower": 0.125, "upper": 0.375},
    ),
    Entry(
        "threshold",
        "where(x > {theta}, x, {value})",
        r"x \text{ for } x > \theta,\ \text{else } v",
        "where(x > {theta}, 1, 0)",
        r"1 \text{ for } x > \theta,\ \text{else } 0",
        _arxiv(
            "K. Konda, R. Memisevic and D. Krueger",
            "Zero-bias autoencoders and the benefits of co-adapting features",
            2014,
            "1402.3337",
        ),
        parameters={"theta": 1.0, "value": 0.0},
    ),
    Entry(
        "elu",
        "where(x > 0, x, {alpha}*(exp(x) - 1))",
        r"x \text{ for } x > 0,\ \text{else } \alpha (e^x - 1)",
        "where(x > 0, 1, {alpha}*exp(x))",
        r"1 \text{ for } x > 0,\ \text{else } \alpha e^x",
        _arxiv(
            "D.-A. Clevert, T. Unterthiner and S. Hochreiter",
            "Fast and Accurate Deep Network Learning by Exponential Linear Units (ELUs)",
            2015,
            "1511.07289",
        ),
        "elu(x, {alpha})",
        {"alpha": 1.0},
    ),
    Entry(
        "selu",
        "1.0507009873554805*where(x > 0, x, 1.6732632423543772*(exp(x) - 1))",
        r"\lambda x \text{ for } x > 0,\ \text{else } \lambda\alpha (e^x - 1)",
        "1.0507009873554805*where(x > 0, 1, 1.6732632423543772*exp(x))",
        r"\lambda \text{ for } x > 0,\ \text{else } \lambda\alpha e^x",
        _arxiv(
            "G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter",
            "Self-Normalizing Neural Networks",
            2017,
            "1706.02515",
        ),
        "selu(x)",
    ),
    Entry(
        "celu",
        "maximum(x, 0) + minimum({alpha}*(exp(x/{alpha}) - 1), 0)",
        r"\max(x, 0) + \min(\alpha (e^{x/\alpha} - 1),\, 0)",
        "where(x > 0, 1, exp(x/{alpha}))",
        r"1 \text{ for } x > 0,\ \text{else } e^{x/\alpha}",
        _arxiv("J. T. Barron", "Continuously Differentiable Exponential Linear Units", 2017, "1704.07483"),
        "celu(x, {alpha})",
        {"alpha": 1.0},
    ),
    Entry(
        "isrlu",
        "where(x < 0, x/sqrt(1 + {alpha}*x**2), x)",
        r"x \text{ for } x \ge 0,\ \text{else } \frac{x}{\sqrt{1 + \alpha x^2}}",
        "where(x < 0, (1 + {alpha}*x**2)**-1.5, 1)",
        r"1 \text{ for } x \ge 0,\ \text{else } (1 + \alpha x^2)^{-3/2}",
        CARLILE,
        parameters={"alpha": 1.0},
    ),
    Entry(
        "softplus",
        "log(1 + exp(x))",
        r"\ln(1 + e^x)",
        "sigmoid(x)",
        r"\sigma(x)",
        Source(
            "C. Dugas, Y. Bengio, F. Bélisle, C. Nadeau and R. Garcia",
            "Incorporating Second-Order Functional Knowledge for Better Option Pricing",
            2000,
        ),
        "softplus(x)",
    ),
    Entry(
        "squareplus",
        "(x + sqrt(x**2 + {b}))/2",
        r"\frac{x + \sqrt{x^2 + b}}{2}",
        "(1 + x/sqrt(x**2 + {b}))/2",
        r"\frac12\left(1 + \frac{x}{\sqrt{x^2 + b}}\right)",
        _arxiv("J. T. Barron", "Squareplus: A Softplus-Like Algebraic Rectifier", 2021, "2112.11687"),
        "(x + hypot(x, sqrt({b})))/2",
        {"b": 4.0},
    ),
    Entry(
        "gelu",
        "x*(1 + erf(x/sqrt(2)))/2",
        r"x\,\Phi(x)",
        "(1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(2*pi)",
        r"\Phi(x) + x\,\varphi(x)",
        HENDRYCKS,
        "gelu(x)",
    ),
    Entry(
        "gelu_tanh",
        "x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2",
        r"\frac{x}{2}\left(1 + \tanh\left(\sqrt{2/\pi}\,(x + 0.044715\,x^3)\right)\right)",
        "(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))/2"
        " + x*sqrt(2/pi)*(1 + 0.134145*x**2)/(2*cosh(sqrt(2/pi)*(x + 0.044715*x**3))**2)",
        r"\frac{1 + \tanh u}{2} + \frac{x u'}{2\cosh^2 u},\quad u = \sqrt{2/\pi}\,(x + 0.044715\,x^3)",
        HENDRYCKS,
        "gelu(x, tanh)",
    ),
    Entry(
        "quick_gelu",
        "x*sigmoid({beta}*x)",
        r"x\,\sigma(1.702\,x)",
        "sigmoid({beta}*x) + {beta}*x*sigmoid({beta}*x)*sigmoid(-{beta}*x)",
        r"\sigma(\beta x) + \beta x\,\sigma'(\beta x)",
        HENDRYCKS,
        "silu(x, {beta})",
        {"beta": 1.702},
    ),
    Entry(
        "silu",
        "x*sigmoid({beta}*x)",
        r"x\,\sigma(\beta x)",
        "sigmoid({beta}*x) + {beta}*x*sigmoid({beta}*x)*sigmoid(-{beta}*x)",
        r"\sigma(\beta x) + \beta x\,\sigma'(\beta x)",
        _doi(
            "S. Elfwing, E. Uchibe and K. Doya",
            "Sigmoid-weighted linear units for neural network function approximation in reinforcement learning",
            2018,
            "10.1016/j.neunet.2017.12.012",
        ),
        "silu(x, {beta})",
        {"beta": 1.0},
        ("swish",),
    ),
    Entry(
        "hard_swish",
        "x*minimum(maximum(x + 3, 0), 6)/6",
        r"x\,\frac{\min(\max(x + 3, 0), 6)}{6}",
        "where(x < -3, 0, where(x > 3, 1, x/3 + 0.5))",
        r"\frac{x}{3} + \frac12 \text{ for } |x| < 3,\ 0 \text{ below},\ 1 \text{ above}",
        MOBILENET,
        "x*relu6(x + 3)/6",
        aliases=("hard_silu",),
    ),
    Entry(
        "mish",
        "x*tanh(log(1 + exp(x)))",
        r"x\,\tanh(\ln(1 + e^x))",
        "tanh(softplus(x)) + x*sigmoid(x)/cosh(softplus(x))**2",
        r"\tanh p + \frac{x\,\sigma(x)}{\cosh^2 p},\quad p = \ln(1 + e^x)",
        _arxiv("D. Misra", "Mish: A Self Regularized Non-Monotonic Activation Function", 2019, "1908.08681"),
        "mish(x)",
    ),
    Entry(
        "serf",
        "x*erf(log(1 + exp(x)))",
        r"x\,\operatorname{erf}(\ln(1 + e^x))",
        "erf(softplus(x)) + x*sigmoid(x)*2/sqrt(pi)*exp(-softplus(x)**2)",
        r"\operatorname{erf} p + \frac{2x}{\sqrt\pi}\,\sigma(x)\,e^{-p^2},\quad p = \ln(1 + e^x)",
        _arxiv(
            "S. Nag and M. Bhattacharyya",
            "SERF: Towards better training of deep neural networks using log-Softplus ERror activation Function",
            2021,
            "2108.09598",
        ),
        "x*erf(softplus(x))",
    ),
    Entry(
        "lisht",
        "x*tanh(x)",
        r"x \tanh x",
        "tanh(x) + x/cosh(x)**2",
        r"\tanh x + \frac{x}{\cosh^2 x}",
        _arxiv(
            "S. K. Roy et al.",
            "LiSHT: Non-Parametric Linearly Scaled Hyperbolic Tangent Activation Function for Neural Networks",
            2019,
            "1901.05894",
        ),
    ),
    Entry("tanhshrink", "x - tanh(x)", r"x - \tanh x", "tanh(x)**2", r"\tanh^2 x", None, "tanhshrink(x)"),
    Entry(
        "softshrink",
        "where(x > {lambd}, x - {lambd}, where(x < -{lambd}, x + {lambd}, 0))",
        r"\operatorname{sign}(x)\,\max(|x| - \lambda,\, 0)",
        "where(abs(x) > {lambd}, 1, 0)",
        r"1 \text{ for } |x| > \lambda,\ \text{else } 0",
        _doi("D. L. Donoho", "De-noising by soft-thresholding", 1995, "10.1109/18.382009"),
        "softshrink(x, {lambd})",
        {"lambd": 0.5},
    ),
    Entry(
        "hardshrink",
        "where(abs(x) > {lambd}, x, 0)",
        r"x \text{ for } |x| > \lambda,\ \text{else } 0",
        "where(abs(x) > {lambd}, 1, 0)",
        r"1 \text{ for } |x| > \lambda,\ \text{else } 0",
        _doi(
            "D. L. Donoho and I. M. Johnstone",
            "Ideal spatial adaptation by wavelet shrinkage",
            1994,
            "10.1093/biomet/81.3.425",
        ),
        "hardshrink(x, {lambd})",
        {"lambd": 0.5},
    ),
    Entry(
        "gaussian",
        "exp(-x**2)",
        "e^{-x^2}",
        "-2*x*exp(-x**2)",
        "-2x e^{-x^2}",
        Source("D. S. Broomhead and D. Lowe", "Multivariable functional interpolation and adaptive networks", 1988),
    ),
    Entry(
        "sinc",
        "sin(pi*x)/(pi*x)",
        r"\frac{\sin \pi x}{\pi x}",
        "cos(pi*x)/x - sin(pi*x)/(pi*x**2)",
        r"\frac{\cos \pi x}{x} - \frac{\sin \pi x}{\pi x^2}",
        None,
        "sinc(x)",
    ),
    Entry(
        "sine",
        "sin({omega}*x)",
        r"\sin \omega x",
        "{omega}*cos({omega}*x)",
        r"\omega \cos \omega x",
        _arxiv(
            "V. Sitzmann, J. Martel, A. Bergman, D. Lindell and G. Wetzstein",
            "Implicit Neural Representations with Periodic Activation Functions",
            2020,
            "2006.09661",
        ),
        parameters={"omega": 1.0},
        aliases=("siren",),
    ),
    Entry(
        "snake",
        "x + sin({a}*x)**2/{a}",
        r"x + \frac{\sin^2 a x}{a}",
        "1 + sin(2*{a}*x)",
        r"1 + \sin 2 a x",
        _arxiv(
            "L. Ziyin, T. Hartwig and M. Ueda",
            "Neural Networks Fail to Learn Periodic Functions and How to Fix It",
            2020,
            "2006.08195",
        ),
        parameters={"a": 1.0},
    ),
)
"""Every entry; an alias is another name of the same function."""
