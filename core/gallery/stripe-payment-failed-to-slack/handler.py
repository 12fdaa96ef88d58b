"""Tells a Slack channel that a payment failed in Stripe.

One failure can come as three events: the charge's, the payment intent's and the invoice's. Only the last of them that
exists is told, so a charge that belongs to an intent, and an intent that belongs to an invoice, are passed over.
"""

from datetime import datetime, timedelta

# Amounts are whole numbers of the currency's smallest unit: https://docs.stripe.com/currencies
# ISK and UGX have no cents either, but Stripe counts both in hundredths, so they are not here.
NO_DECIMALS = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()
THREE_DECIMALS = "BHD JOD KWD OMR TND".split()


def handle(event: dict, config: dict) -> list[dict]:
    payload = event["payload"]
    thing = (payload.get("data") or {}).get("object") or {}
    live = payload.get("livemode") is not False
    kind = thing.get("object") or event["type"].partition(".")[0]
    if thing.get("invoice") or (kind == "charge" and thing.get("payment_intent")):
        return []
    if not live and not config.get("test_mode"):
        return []

    amount = thing.get("amount_due") if kind == "invoice" else thing.get("amount")
    what = f"Payment of {money(amount, thing.get('currency'))} failed for {esc(payer(thing))}"
    if not live:
        what = "Test mode: " + what
    folder = "invoices" if kind == "invoice" else "payments"
    url = f"https://dashboard.stripe.com/{'' if live else 'test/'}{folder}/{esc(thing.get('id') or '')}"
    facts = [esc(reason(thing))] if reason(thing) else []
    if thing.get("attempt_count"):
        facts.append(f"Attempt {thing['attempt_count']}; {next_try(thing.get('next_payment_attempt'))}")
    return [
        {
            "type": "slack_message",
            "channel": config["channel"],
            "text": ". ".join([what, *facts[:1]])[:3000],
            "blocks": [section("\n".join([f"*{what}*", *facts])), section(f"<{url}|Open in Stripe>")],
        }
    ]


def money(amount: object, currency: object) -> str:
    code = str(currency or "").upper()
    if not isinstance(amount, int):
        return "an unknown amount"
    if code in NO_DECIMALS:
        return f"{amount:,} {code}"
    if code in THREE_DECIMALS:
        return f"{amount / 1000:,.3f} {code}"
    return f"{amount / 100:,.2f} {code}".strip()


def payer(thing: dict) -> str:
    method = (thing.get("last_payment_error") or {}).get("payment_method") or {}
    billing = thing.get("billing_details") or method.get("billing_details") or {}
    name = thing.get("customer_name") or billing.get("name")
    mail = thing.get("customer_email") or thing.get("receipt_email") or billing.get("email")
    if name and mail:
        return f"{name} ({mail})"
    return name or mail or thing.get("customer") or "an unknown customer"


def reason(thing: dict) -> str:
    error = thing.get("last_payment_error") or thing.get("last_finalization_error") or {}
    outcome = thing.get("outcome") or {}
    said = error.get("message") or thing.get("failure_message") or outcome.get("seller_message") or ""
    code = error.get("decline_code") or error.get("code") or thing.get("failure_code")
    return (f"{said} ({code})" if said and code else said or code or "")[:500]


def next_try(seconds: object) -> str:
    """Say when Stripe tries again, in each reader's own time zone."""
    if not isinstance(seconds, int):
        return "Stripe will not try again"
    utc = (datetime(1970, 1, 1) + timedelta(seconds=seconds)).strftime("%Y-%m-%d %H:%M UTC")
    return f"Stripe tries again <!date^{seconds}^{{date_short_pretty}} at {{time}}|{utc}>"


def esc(text: object) -> str:
    """Make foreign text safe in Slack's mrkdwn: https://docs.slack.dev/messaging/formatting-message-text"""
    return str(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def section(text: str) -> dict:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:3000]}}
