"""Find out why a network misreads a photo: its differences from the training images are corrected one by one.

`asking` contains the network, `mending` a picture and its differences from MNIST, `causes` the search for those that
matter; `photo` combines these for a picture, `whole_set` for a set of them; `mistakes` measures what common mistakes
cost a network; `wording` and `lines` express the result in English and in Python, `page` as an HTML page.
"""

from __future__ import annotations

from digitlab.diagnosis.answers import Answer
from digitlab.diagnosis.asking import Network
from digitlab.diagnosis.mistakes import Costs, measure_costs
from digitlab.diagnosis.photo import Diagnosis, diagnose_photo

__all__ = ["Answer", "Costs", "Diagnosis", "Network", "diagnose_photo", "measure_costs"]
