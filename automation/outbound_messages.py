"""Salesforce's SOAP envelope: the notifications in it, and the answer that it wants.

As in https://developer.salesforce.com/docs/platform/api/guide/sforce-api-om-outboundmessaging-wsdl.html
"""

from __future__ import annotations

from typing import Any

from automation.reasons import Reason, Stop

MOST_NOTIFICATIONS = 100  # as the WSDL says
ACKNOWLEDGEMENT = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    '<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack>'
    "</notificationsResponse></soapenv:Body></soapenv:Envelope>"
)


def notifications(payload: Any) -> list[dict[str, Any]]:
    """What the outbound message ``payload`` (as ``read_xml`` reads it) tells of each record:

        {"OrganizationId": …, "ActionId": …, "EnterpriseUrl": …, "PartnerUrl": …, "SessionId": …,
         "Notification": {"Id": …, "sObject": {"@type": "Case", "Id": …, "Status": …, …}}}

    Empty for anything else; raises Stop where there are more than Salesforce ever sends.
    """
    message = payload
    for name in ("Envelope", "Body", "notifications"):
        message = message.get(name) if isinstance(message, dict) else None
    told = message.get("Notification") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(told, list):
        return []
    if len(told) > MOST_NOTIFICATIONS:
        why = f"it has {len(told)} notifications, and never more than {MOST_NOTIFICATIONS} fit"
        raise Stop(Reason.BODY_UNREADABLE, format="an outbound message", why=why)
    return [message | {"Notification": each} for each in told]
