"""Archives of pictures: read on all cores or a Ray cluster, stored in files, reviewed by a person.

``find_pictures`` lists them, ``read_pictures`` reads them in processes and ``on_ray`` on a cluster, `Results` stores
what was read, and a person's corrections of the least certain digits become a dataset again.
"""

from __future__ import annotations

from digitlab.archives.doubts import Doubts
from digitlab.archives.job import Answer, PictureJob, ReadingJob
from digitlab.archives.pictures import Picture, find_pictures
from digitlab.archives.processes import all_cores, read_pictures
from digitlab.archives.results import Results
from digitlab.archives.review_page import Corrections, read_corrections, write_review
from digitlab.archives.rows import csv_file, row_of

__all__ = [
    "Answer",
    "Corrections",
    "Doubts",
    "Picture",
    "PictureJob",
    "ReadingJob",
    "Results",
    "all_cores",
    "csv_file",
    "find_pictures",
    "read_corrections",
    "read_pictures",
    "row_of",
    "write_review",
]
