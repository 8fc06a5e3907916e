"""The operator API (docs/contract.md §3): its table; a route is a row, a function, a struct."""

from aiohttp import web

from kernel.desk.desk import describe_rows, open_desk
from kernel.desk.route import Nothing, Role, Route, Rows
from kernel.log.port import Log
from kernel.values.clock import Clock
from services.billing import operator_answers as answers
from services.billing import operator_requests as requests
from services.billing.operator import OperatorStore
from services.billing.operator_api import OperatorApi, Wake
from services.billing.settings import OperatorSettings


def operator_routes(
    store: OperatorStore, log: Log, clock: Clock, settings: OperatorSettings, wake: Wake
) -> list[web.RouteDef]:
    """The routes for ``OPS_LISTEN``, guarded.

    Args:
        wake: makes billing look at once at what an action changed (``Stage.wake``).
    """
    return open_desk(operator_rows(OperatorApi(store, log, clock, settings, wake)), settings.token)


def operator_rows(api: OperatorApi) -> Rows:
    """The table."""
    rows: Rows = (
        Route(
            "GET", "/v1/status", api.get_status, Nothing, answers.StatusAnswer,
            "Posture, fund, messages, replies, dead records.",
            done={200: "The status."},
        ),
        Route(
            "POST", "/v1/donations", api.add_donation, requests.EntryRequest, answers.Booked,
            "Book a donation.", Role.OPERATE,
            {201: "Booked.", 200: "Was booked before: no second entry."},
            {409: "The id was used for another amount or kind."},
        ),
        Route(
            "POST", "/v1/fees", api.add_fee, requests.EntryRequest, answers.Booked,
            "Book a fee: the number's rental, the platform.", Role.OPERATE,
            {201: "Booked.", 200: "Was booked before: no second entry."},
            {409: "The id was used for another amount or kind."},
        ),
        Route(
            "POST", "/v1/transfers", api.add_transfer, requests.EntryRequest, answers.Booked,
            "Note what was moved from a platform of gifts to the provider.", Role.OPERATE,
            {201: "Booked.", 200: "Was booked before: no second entry."},
            {409: "The id was used for another amount or kind, or it is more than was raised and "
             "is left."},
        ),
        Route(
            "GET", "/v1/fund", api.get_fund, Nothing, answers.FundAnswer,
            "The fund and its entries, the oldest first.",
            done={200: "The fund."},
        ),
        Route(
            "POST", "/v1/fund/corrections", api.correct_entry,
            requests.CorrectionRequest, answers.Corrected,
            "Reverse a donation or a fee; nothing is ever edited.", Role.OPERATE,
            {201: "Reversed.", 200: "Was reversed before: no second reversal."},
            {404: "No entry has this id.",
             409: "It is a correction itself, or would take the fund below zero."},
        ),
        Route(
            "POST", "/v1/pause", api.pause, requests.PauseRequest, answers.PostureAnswer,
            "Pay for nothing until resumed; all is received and kept.", Role.OPERATE,
            {200: "Paused."},
        ),
        Route(
            "GET", "/v1/resume", api.preview_resume, Nothing, answers.WaitingAnswer,
            "How many replies wait, what they cost, how long sending takes.",
            done={200: "What resuming would pay for."},
        ),
        Route(
            "POST", "/v1/resume", api.resume, Nothing, answers.PostureAnswer,
            "Take the pause back; other causes of a suspension hold on.", Role.OPERATE,
            {200: "Resumed."},
            {409: "Restored from a backup, and the provider's log is still being read."},
        ),
        Route(
            "GET", "/v1/restoration", api.get_restoration, Nothing, answers.RestorationAnswer,
            "The latest restore from a backup, and what the provider's log brought since.",
            done={200: "The restore; null: there was none."},
        ),
        Route(
            "POST", "/v1/detach", api.detach, Nothing, answers.PostureAnswer,
            "Want the number detached at the provider.", Role.OPERATE,
            {200: "Asked for; done when `attached` of the status is false."},
        ),
        Route(
            "POST", "/v1/attach", api.attach, Nothing, answers.PostureAnswer,
            "Want the number attached at the provider.", Role.OPERATE,
            {200: "Asked for; done when `attached` of the status is true."},
        ),
        Route(
            "GET", "/v1/blocks", api.list_blocks, Nothing, answers.BlocksAnswer,
            "The block list, as pseudonyms.",
            done={200: "The list."},
        ),
        Route(
            "POST", "/v1/blocks", api.block, requests.NumberRequest, answers.BlockAnswer,
            "Never answer this number.", Role.OPERATE,
            {201: "Blocked.", 200: "Was blocked before."},
        ),
        Route(
            "DELETE", "/v1/blocks", api.unblock, requests.NumberRequest, answers.BlockAnswer,
            "Take a number off the block list.", Role.OPERATE,
            {200: "Not blocked (any more)."},
        ),
        Route(
            "POST", "/v1/explain", api.explain, requests.ExplainRequest, answers.WaysAnswer,
            "The whole way of a number's messages, or of one message or test. No text, no number.",
            Role.VIEW,
            {200: "The latest first, at most 200."},
            {404: "No message or test has this id."},
        ),
        Route(
            "POST", "/v1/tests", api.send_test, requests.TestRequest, answers.TestAnswer,
            "One SMS at once to a phone of ours, outside window and delay; it is booked.",
            Role.OPERATE,
            {201: "On its way.", 200: "Was asked for before: no second SMS."},
            {409: "The id was used for another number."},
        ),
        Route(
            "GET", "/v1/unresolved", api.list_unresolved, Nothing, answers.UnresolvedAnswer,
            "Replies whose money is held because nobody knows whether they were sent.",
            done={200: "The oldest first."},
        ),
        Route(
            "POST", "/v1/unresolved/{id}", api.decide_unresolved,
            requests.DecisionRequest, answers.DecisionAnswer,
            "Decide what became of such a reply.", Role.OPERATE,
            {200: "Decided; the books follow when the responder has carried it out."},
            {404: "No reply has this id.",
             409: "It is not unresolved, or was decided otherwise before."},
        ),
        Route(
            "GET", "/v1/releases", api.list_releases, requests.CardsRequest,
            answers.ReleasesAnswer,
            "Replies that a person may release, the best first.",
            done={200: "The cards."},
        ),
        Route(
            "POST", "/v1/releases/{reply_id}", api.release, requests.ReleaseRequest,
            answers.ReleaseAnswer,
            "Release one reply, skip it, or put it behind all others.", Role.OPERATE,
            {200: "Done, or done by the same actor before: there is one message."},
            {402: "There is no money for it now: the fund, its floor or a cap; it waits on.",
             404: "No reply has this id.",
             409: "Another has acted, or it waits no more.",
             423: "All replies are held back: paused, restored, deliveries fail; it waits on."},
        ),
        Route(
            "POST", "/v1/backfill", api.backfill, requests.BackfillRequest, answers.BackfillAnswer,
            "Read the provider's log again, and take in what was never seen.", Role.OPERATE,
            {202: "Asked for."},
        ),
        Route(
            "GET", "/v1/dead", api.list_dead, Nothing, answers.DeadAnswer,
            "Records on the dead topics that were not put back, without their values.",
            done={200: "The records."},
        ),
        Route(
            "POST", "/v1/dead/replay", api.replay_dead, Nothing, answers.ReplayAnswer,
            "Put them back on their topics, after the cause was mended.", Role.OPERATE,
            {200: "How many were put back."},
        ),
        Route(
            "POST", "/v1/audits", api.note_audit, requests.AuditRequest, answers.AuditAnswer,
            "Note what an audit found; alerts go by the last one.", Role.OPERATE,
            {201: "Noted."},
        ),
    )  # fmt: skip
    return describe_rows(
        rows,
        "/v1/openapi.json",
        "antirelou: operator API",
        "Served on OPS_LISTEN. Amounts in answers are integer micro-euros, times RFC 3339 in UTC. "
        "Every call may be repeated.",
    )
