"""What bodies tell, read by other eyes than the product's: plain look-ups in well-formed bodies."""

from __future__ import annotations

from datetime import UTC, datetime


def moment(text):
    return datetime.fromisoformat(text.replace(" UTC", "Z").replace("Z", "+00:00"))


def azure_devops(body):
    event, resource = body.get("eventType", ""), body.get("resource", {})
    if not event.startswith("workitem."):
        return {}
    fields = resource["fields"]
    told = {
        "workitem.created": {"kinds": ["created"]},
        "workitem.deleted": {"kinds": ["deleted"]},
        "workitem.commented": {"kinds": ["commented"]},
    }.get(event, {})
    if event == "workitem.updated":
        state = fields["System.State"]
        told["item"] = str(resource["workItemId"] or resource["revision"]["id"])
        told |= {"kinds": ["status_changed"]}
        told |= {"status_before": state["oldValue"], "status_after": state["newValue"]}
        told |= {"occurred_at": moment(fields["System.ChangedDate"]["newValue"])}
        told |= {"resolution": fields["System.Reason"]["newValue"]}
    else:
        told["item"] = str(resource["id"])
        told |= {"occurred_at": moment(fields["System.ChangedDate"])}
        told |= {"resolution": fields["System.Reason"]}
    if event == "workitem.commented":
        told["comment"] = (f"5.rev{resource['rev']}", "added", fields["System.History"])
    return told | {"references": [told["item"]], "actor": "Jamal Hartnett"}


def rally(body):
    message = body["message"]
    named = {each["name"]: each["value"] for each in message["state"].values()}
    told = {
        "references": [named["FormattedID"], message["object_id"]],
        "item": message["object_id"],
        "actor": message["transaction"]["user"]["username"],
        "occurred_at": datetime.fromtimestamp(message["transaction"]["timestamp"] / 1000, UTC),
        "delivery_id": message["message_id"],
    }
    for change in message["changes"].values():
        if change["name"] == "State" and "old_value" in change:
            told |= {"kinds": ["status_changed"]}
            told["status_before"] = change["old_value"]["value"]
            told["status_after"] = change["value"]["value"]
    return told


def github(body):
    action, actor = body.get("action"), {"actor": body["sender"]["login"]}
    if "zen" in body:
        return actor | {"kinds": ["ping"]}
    issue = body.get("issue") or body.get("pull_request")
    if not issue:
        return actor
    place = f"{body['repository']['full_name']}#{issue['number']}"
    told = actor | {"occurred_at": moment((body.get("comment") or issue)["updated_at"])}
    if "pull_request" in body:
        told |= {"references": [place], "item": f"pull_request:{issue['id']}"}
    else:
        told |= {"references": [place, str(issue["id"])], "item": str(issue["id"])}
    if "comment" in body:
        change = {"created": "added"}.get(action, action)
        told["kinds"] = ["commented" if change == "added" else "comment_changed"]
        told["comment"] = (str(body["comment"]["id"]), change, body["comment"]["body"])
        return told
    kinds = {"opened": "created", "deleted": "deleted", "transferred": "moved"}
    if action in ("closed", "reopened"):
        kinds[action] = "status_changed"
        told["status_before"], told["status_after"] = (
            ("open", "closed") if action == "closed" else ("closed", "open")
        )
    if action == "transferred":
        changes = body["changes"]
        new = f"{changes['new_repository']['full_name']}#{changes['new_issue']['number']}"
        told["references"] = [new, *told["references"]]
    return told | {"kinds": [kinds[action]]} if action in kinds else told


def gitlab(body):
    kind, attributes = body["object_kind"], body.get("object_attributes", {})
    user = body.get("user", {}).get("username") or body.get("user_username", "")
    told = {"actor": user}
    if kind not in ("issue", "merge_request", "note"):
        return told
    told["occurred_at"] = moment(attributes["updated_at"])
    about = kind if kind != "note" else {"Issue": "issue"}.get(attributes["noteable_type"])
    about = about or "merge_request"
    item = attributes if kind != "note" else body[about]
    project = body["project"]["path_with_namespace"]
    if about == "issue":
        told |= {"item": str(item["id"])}
        told |= {"references": [f"{project}#{item['iid']}", str(item["id"])]}
    else:
        told |= {"item": f"merge_request:{item['id']}"}
        told |= {"references": [f"{project}!{item['iid']}"]}
    if kind == "note":
        told["comment"] = (str(attributes["id"]), "added", attributes["note"])
    return told | {"kinds": ["commented" if kind == "note" else "created"]}


def linear(body):
    data, told = body["data"], {"occurred_at": moment(body["createdAt"])}
    if body["type"] == "Comment":
        key = body["url"].split("/issue/")[1].split("#")[0]
        told |= {"references": [key, data["issueId"]], "item": data["issueId"]}
        told |= {"kinds": ["commented"], "comment": (data["id"], "added", data["body"])}
        return told | {"actor": data["user"]["name"]}
    told |= {"references": [f"{data['team']['key']}-{data['number']}", data["id"]]}
    told |= {"item": data["id"]}
    return told | ({"kinds": ["deleted"]} if body["action"] == "remove" else {})


READERS = {
    "azuredevops": azure_devops,
    "rally": rally,
    "github": github,
    "gitlab": gitlab,
    "linear": linear,
}
NOTHING = {
    "kinds": ["other"],
    "references": [],
    "item": "",
    "status_before": "",
    "status_after": "",
    "resolution": "",
    "actor": "",
    "comment": None,
}
