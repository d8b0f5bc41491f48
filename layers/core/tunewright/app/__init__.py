"""What is done about decisions, and when; nothing is decided here, and nothing here knows AWS.

Read in this order: `ports` (what the core asks of the world), `recorder` (trials as facts),
`conductor` (the one writer of studies), `deployer` (endpoints), `studies` (submit, command, ask),
`plan` (everything checked, nothing launched).
"""
