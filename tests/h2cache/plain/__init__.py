"""The methods for one sample in the plainest way, from their formulas; shares nothing with the library.

Each takes a method's parameters and gives ``step(net, k, n)``: the velocity in step k of n.
"""

from tests.h2cache.plain.forecasts import freqca, hicache, procache, taylorseer
from tests.h2cache.plain.inputs import seacache, sencache, teacache
from tests.h2cache.plain.net import net_at
from tests.h2cache.plain.ours import default
from tests.h2cache.plain.probes import dicache, fbcache
from tests.h2cache.plain.schedules import ertacache_like, magcache, mask

__all__ = [
    "default",
    "dicache",
    "ertacache_like",
    "fbcache",
    "freqca",
    "hicache",
    "magcache",
    "mask",
    "net_at",
    "procache",
    "seacache",
    "sencache",
    "taylorseer",
    "teacache",
]
