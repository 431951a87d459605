"""Why a network misreads a photo: differences from what it was trained on, mended one by one.

`asking` has the network, `mending` a picture and its differences from MNIST, `causes` the search for those that matter;
`photo` puts them together for a picture, `whole_set` for a set of them; `mistakes` measures what usual mistakes cost a
network; `wording` and `lines` say it in English and in Python, `page` on a page.
"""

from __future__ import annotations

from digitlab.diagnosis.answers import Answer
from digitlab.diagnosis.asking import Network
from digitlab.diagnosis.mistakes import Costs, measure_costs
from digitlab.diagnosis.photo import Diagnosis, diagnose_photo

__all__ = ["Answer", "Costs", "Diagnosis", "Network", "diagnose_photo", "measure_costs"]
