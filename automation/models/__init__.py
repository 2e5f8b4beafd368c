from __future__ import annotations

from automation.models.deliveries import Delivery
from automation.models.executions import Execution, ExecutionStep
from automation.models.listeners import (
    KEY_PLACEHOLDER,
    ExternalListener,
    ProtectedStatus,
    StatusRow,
)
from automation.models.macros import Macro, MacroAction, MacroActionUse, MacroSecret
from automation.models.outcomes import public_id

__all__ = [
    "KEY_PLACEHOLDER",
    "Delivery",
    "Execution",
    "ExecutionStep",
    "ExternalListener",
    "Macro",
    "MacroAction",
    "MacroActionUse",
    "MacroSecret",
    "ProtectedStatus",
    "StatusRow",
    "public_id",
]
