from __future__ import annotations

from automation.listener_types.base import ListenerType
from automation.listener_types.comment import Commenting
from automation.listener_types.custom_data import CustomData
from automation.listener_types.macro import MacroExecution

LISTENER_TYPES: dict[str, ListenerType] = {
    each.slug: each for each in (MacroExecution(), Commenting(), CustomData())
}
