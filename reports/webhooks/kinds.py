"""What webhooks can be told of: the one table of what outsiders call the events of tickets."""

from __future__ import annotations

from reports.history import EventKind

TYPES = {
    EventKind.RECEIVED: "report.received",
    EventKind.JOINED: "report.joined",
    EventKind.MOVED_IN: "report.moved_in",
    EventKind.MOVED_OUT: "report.moved_out",
    EventKind.LEFT: "report.left",
    EventKind.HIDDEN: "report.hidden",
    EventKind.SHOWN: "report.shown",
    EventKind.MESSAGE: "report.message",
    EventKind.FEEDBACK: "report.feedback",
    EventKind.ANONYMISED: "report.anonymised",
    EventKind.PHOTO_ADDED: "photo.added",
    EventKind.PHOTO_HIDDEN: "photo.hidden",
    EventKind.PHOTO_SHOWN: "photo.shown",
    EventKind.ROUTED: "ticket.routed",
    EventKind.CHANGED: "ticket.changed",
    EventKind.STATUS: "ticket.status",
    EventKind.MERGED: "ticket.merged",
    EventKind.PARTED: "ticket.split",
    EventKind.PLANNED: "ticket.planned",
    EventKind.THIRD_PARTY: "ticket.handed_over",
    EventKind.WORK_PHOTO_ADDED: "ticket.photo_added",
    EventKind.QUESTION: "ticket.question",
    EventKind.NEWS: "ticket.news",
    EventKind.HANDED_BACK: "ticket.handed_back",
    EventKind.DUE_SOON: "ticket.due_soon",
    EventKind.OVERDUE: "ticket.overdue",
    EventKind.ESCALATED: "ticket.escalated",
}
"""The types of messages by kind of event; what is not here is told to nobody outside."""

PING = "ping"
PING_TYPE = "webhook.ping"
"""What a test sends, which no event leads to."""

KINDS = {type_: kind for kind, type_ in TYPES.items()}


def type_of(kind: str) -> str:
    """Return the type of the messages of a kind of delivery."""
    return PING_TYPE if kind == PING else TYPES[EventKind(kind)]
