"""The API as HTTP: guards bodies, finds the route, translates errors; what is meant is the app's.

Read in this order: `request` (what comes in, and what may not), `routes` (what may be asked),
`errors` (what goes wrong, in one table), `openapi` (the truth about all of it), `api` (the whole).
Beside it `approvals` answers links (`page`) and Slack's buttons (`slack_actions`).
"""
