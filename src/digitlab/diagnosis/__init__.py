"""Why a network misreads a photo: differences from what it was trained on, mended one by one."""

from __future__ import annotations

from digitlab.diagnosis.diagnosing import Answer, Diagnosis, Step, diagnose
from digitlab.diagnosis.page import write_page

__all__ = ["Answer", "Diagnosis", "Step", "diagnose", "write_page"]
