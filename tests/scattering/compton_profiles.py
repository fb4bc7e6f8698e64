"""S(x, Z) in the impulse approximation, for compton_profiles.csv: python compton_profiles.py > compton_profiles.csv

S = sum over shells of the electrons whose momentum along the transfer lets them leave (Ribberfors & Berggren, Phys. Rev. A 26 (1982)
3325), from the Hartree-Fock Compton profiles of Biggs, Mendelsohn & Mann, At. Data Nucl. Data Tables 16 (1975) 201, and
edge energies, both as xraylib 4.3.0 has them (BSD licence), at 112 keV.
"""

import numpy as np
import xraylib

MC2, ALPHA, E = 510.99895, 1 / 137.035999, 112.0
P = np.concatenate([np.arange(0, 2, 0.02), np.geomspace(2, 99.9, 400)])
X = [0.5, 1, 1.5, 2, 3, 4, 5, 6]


def or_before(call, *arguments, before):
    """xraylib gives no profile or edge for some outer subshells: that of the shell before stands for it."""
    try:
        return call(*arguments)
    except ValueError:
        return before


def incoherent(z, x):
    one_minus_cos = 2 * (x * 12.398419843 / E) ** 2
    total, edge, profile = 0.0, 0.0, None
    for shell in range(31):
        electrons = or_before(xraylib.ElectronConfig, z, shell, before=0.0)
        if electrons <= 0:
            continue
        edge = or_before(xraylib.EdgeEnergy, z, shell, before=edge)
        profile = or_before(lambda: np.array([xraylib.ComptonProfile_Partial(z, shell, p) for p in P]), before=profile)
        if E <= edge:
            continue
        gain = E * (E - edge) * one_minus_cos
        p = (gain - edge * MC2) / (MC2 * np.sqrt(2 * gain + edge * edge)) / ALPHA
        inside = np.append(P[P <= abs(p)], min(abs(p), P[-1]))
        half = np.trapezoid(np.interp(inside, P, profile), inside) / (2 * np.trapezoid(profile, P))
        total += electrons * (0.5 + np.sign(p) * half)
    return total


print("# incoherent scattering functions in the impulse approximation; made by compton_profiles.py; x in 1/angstrom")
print("z," + ",".join(f"s_{x:g}" for x in X))
for z in range(1, 93):
    print(f"{z}," + ",".join(f"{incoherent(z, x):.3f}" for x in X))
