"""What every job queue has to keep; a back end's test module subclasses ``QueueContract``."""

from tests.jobs.contract.ends import EndContract
from tests.jobs.contract.leases import LeaseContract
from tests.jobs.contract.listing import ListContract
from tests.jobs.contract.order import OrderContract
from tests.jobs.contract.submits import SubmitContract
from tests.jobs.contract.watching import WatchContract


class QueueContract(OrderContract, SubmitContract, LeaseContract, EndContract, WatchContract, ListContract):
    """The whole."""
