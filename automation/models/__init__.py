from __future__ import annotations

from automation.models.deliveries import Delivery
from automation.models.executions import Execution, ExecutionStep
from automation.models.hand_overs import HandOver
from automation.models.listeners import (
    KEY_PLACEHOLDER,
    ExternalListener,
    ProtectedStatus,
    StatusRow,
    names_in,
)
from automation.models.macros import Macro, MacroAction, MacroActionUse, MacroSecret
from automation.models.outcomes import public_id
from automation.models.outgoing import Outgoing
from automation.models.starts import (
    BulkRun,
    BulkTicket,
    Pause,
    Rule,
    Schedule,
    Trigger,
    TriggerMember,
)

__all__ = [
    "KEY_PLACEHOLDER",
    "BulkRun",
    "BulkTicket",
    "Delivery",
    "Execution",
    "ExecutionStep",
    "ExternalListener",
    "HandOver",
    "Macro",
    "MacroAction",
    "MacroActionUse",
    "MacroSecret",
    "Outgoing",
    "Pause",
    "ProtectedStatus",
    "Rule",
    "Schedule",
    "StatusRow",
    "Trigger",
    "TriggerMember",
    "names_in",
    "public_id",
]
