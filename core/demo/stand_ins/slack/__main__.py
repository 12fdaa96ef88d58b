"""`python -m core.demo.stand_ins.slack`: this Slack as a process of its own."""

from core.demo.stand_ins.server import main
from core.demo.stand_ins.slack import SlackStandIn

if __name__ == "__main__":
    main(SlackStandIn())
